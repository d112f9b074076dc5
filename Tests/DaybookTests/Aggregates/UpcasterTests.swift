@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("Upcaster")
struct UpcasterTests {
    private let coding = EventCoding<Voyage>()

    private func decode(_ type: String, _ schema: Int32, _ data: BSONDocument) throws -> RecordedEvent<Voyage>.Body {
        try data.withBorrowed {
            try coding.decode(type: type, schema: schema, data: $0, aggregateID: "voyage/V-1", version: 7)
        }
    }

    private func event(_ type: String, _ schema: Int32, _ data: BSONDocument) throws -> Voyage.Event? {
        if case .event(let event) = try decode(type, schema, data) { event } else { nil }
    }

    @Test("an old event is read by one step after the other, from whichever schema it has")
    func steps() throws {
        let now = BSONDate(milliseconds: 1_700_000_000_123)
        #expect(try event("departed", 1, ["harbour": "Ulm"]) == .departed(port: "Ulm", at: Voyage.launch))
        #expect(try event("departed", 2, ["port": "Ulm"]) == .departed(port: "Ulm", at: Voyage.launch))
        #expect(
            try event("departed", 3, ["port": "Ulm", "at": .datetime(now)]) == .departed(port: "Ulm", at: now.date))
        #expect(try event("loaded", 1, ["tons": 1.5]) == .loaded(kilograms: 1_500))
        #expect(try event("loaded", 2, ["kilograms": 1.5]) == .loaded(kilograms: 1.5))
        #expect(try event("sunk", 1, [:]) == .sunk)
    }

    @Test("a renamed event continues from its new name, and further steps follow")
    func renames() throws {
        #expect(try event("docked", 1, ["berth": "A"]) == .moored(.init(pier: "A", number: 1)))
        #expect(try event("moored", 1, ["berth": "A"]) == .moored(.init(pier: "A", number: 1)))
        #expect(try event("anchored", 2, ["pier": "B", "number": 4]) == .moored(.init(pier: "B", number: 4)))
        #expect(try event("moored", 2, ["pier": "B", "number": 4]) == .moored(.init(pier: "B", number: 4)))
    }

    @Test("a name that went to another event, and came back, is read by its schema")
    func renamedAndBack() throws {
        #expect(try event("painted", 1, ["gloss": "red"]) == .painted(color: "red"))
        #expect(try event("coated", 1, ["gloss": "red"]) == .painted(color: "red"))
        #expect(try event("varnished", 2, ["color": "red"]) == .painted(color: "red"))
        #expect(try event("painted", 2, ["color": "red"]) == .painted(color: "red"))
        #expect(Voyage.upcasters.fault == nil)
    }

    @Test("a retired event says so, and changes nothing but the version")
    func retired() throws {
        for (type, schema) in [("pinged", 1), ("pinged", 9), ("pinged", .max), ("inspected", 1)] as [(String, Int32)] {
            guard case .retired(let name) = try decode(type, schema, ["anything": 1]) else {
                Issue.record("\(type) in schema \(schema) is not retired")
                continue
            }
            #expect(name == type)
            var fold = Fold<Voyage>(try AggregateID(Voyage.type, key: "V-1"))
            let data: BSONDocument = ["anything": 1]
            try data.withBorrowed { try fold.apply(type: type, schema: schema, data: $0) }
            #expect(fold.version == 1)
            #expect(fold.state == Voyage())
        }
    }

    @Test("a case that was retired and brought back is read and written in the schema after the retired ones")
    func broughtBack() throws {
        #expect(try event("inspected", 2, ["passed": true]) == .inspected(passed: true))
        let stored = try coding.encode(.inspected(passed: false))
        #expect(stored.schema == 2)
        #expect(try event(stored.type, stored.schema, stored.data) == .inspected(passed: false))
    }

    @Test("new events are written in the schema after the last step, and read without any")
    func written() throws {
        let events: [(Voyage.Event, Int32)] = [
            (.departed(port: "Ulm", at: Voyage.launch), 3), (.loaded(kilograms: 1), 2),
            (.moored(.init(pier: "A", number: 2)), 2),
            (.inspected(passed: true), 2), (.fuelled(liters: 2), 3), (.painted(color: "red"), 2), (.sunk, 1),
            (.named(name: "x"), 1),
        ]
        for (original, schema) in events {
            let stored = try coding.encode(original)
            #expect(stored.schema == schema, "\(original)")
            #expect(try event(stored.type, stored.schema, stored.data) == original)
        }
    }

    @Test(
        "an event that no step leads to a known form is unknown, and is named with type, schema, aggregate and version",
        arguments: [
            ("departed", 4), ("departed", 0), ("departed", -1), ("departed", .max), ("loaded", 3), ("moored", 3),
            ("docked", 2),
            ("anchored", 1), ("inspected", 3), ("fuelled", 1), ("fuelled", 4), ("sunk", 2), ("capsized", 1),
            ("Sunk", 1), ("", 1),
            ("sunk\u{301}", 1), ("$sunk", 1), ("$corrected", 2), ("$corrected\u{301}", 1), ("$", 1),
        ] as [(String, Int32)])
    func unknown(type: String, schema: Int32) {
        let error = #expect(throws: DaybookError.self) {
            try decode(type, schema, ["harbour": "hidden", "liters": 77])
        }
        #expect(error?.code == .unknownEvent)
        #expect(error?.aggregateID == "voyage/V-1")
        #expect(error?.version == 7)
        #expect(
            error?.message.contains("event 7 of type \"\(type)\" in schema \(schema)") == true,
            "\(error?.message ?? "")")
        #expect(error?.description.contains("hidden") == false)
    }

    @Test(
        "a step that throws or forgets makes the event unreadable, without its values",
        arguments: [
            ("loaded", ["tons": -77.25], "NegativeWeight"), ("loaded", [:], "tons"),
            ("loaded", ["tons": "77.25"], "tons"),
            ("weighed", ["kilograms": 77.25], "kilograms"), ("departed", ["port": "77.25"], "port"),
            ("docked", ["berth": ["77.25"]], "pier"),
        ] as [(String, BSONDocument, String)])
    func unreadable(type: String, data: BSONDocument, hint: String) {
        let error = #expect(throws: DaybookError.self) { try decode(type, 1, data) }
        #expect(error?.code == .unreadableEvent)
        #expect(error?.aggregateID == "voyage/V-1")
        #expect(error?.version == 7)
        #expect(error?.message.contains("event 7 of type \"\(type)\" in schema 1") == true)
        #expect(error?.message.contains(hint) == true, "\(error?.message ?? "")")
        #expect(error?.description.contains("77.25") == false, "\(error?.description ?? "")")
    }

    @Test("an event that cannot be upcast is never skipped: the fold stays where it was")
    func neverSkipped() throws {
        var fold = Fold<Voyage>(try AggregateID(Voyage.type, key: "V-1"))
        try BSONDocument().withBorrowed { try fold.apply(type: "sunk", schema: 1, data: $0) }
        for (type, schema) in [("capsized", 1), ("departed", 4), ("weighed", 1)] as [(String, Int32)] {
            #expect(throws: DaybookError.self) {
                try BSONDocument().withBorrowed { try fold.apply(type: type, schema: schema, data: $0) }
            }
            #expect(fold.version == 1)
            #expect(fold.state.log.count == 1)
        }
    }

    /// Types that no journal may have of a user.
    private struct Spoofing: Passive {
        enum Event: Codable, Sendable {
            case corrected(patch: String)
            case other
            enum CodingKeys: String, CodingKey {
                case corrected = "$corrected"
                case other = "$"
            }
        }
        static let type: AggregateType = "spoofing"
    }

    @Test("an event type of a user's that begins with a dollar sign is refused")
    func reserved() {
        for event in [Spoofing.Event.corrected(patch: "x"), .other] {
            let error = #expect(throws: DaybookError.self) { try EventCoding<Spoofing>().encode(event) }
            #expect(error?.code == .notEncodable)
            #expect(error?.message.contains("$") == true)
        }
    }

    private struct Retiring: Passive {
        enum Event: Codable, Sendable { case gone, goneToo }
        static let type: AggregateType = "retiring"
        static let upcasters: [Upcaster] = [.retire("gone"), .retire("goneToo", through: .max)]
    }

    @Test("an event that is retired for good is not written any more: it would mean nothing when it is read")
    func writingRetired() {
        for event in [Retiring.Event.gone, .goneToo] {
            let error = #expect(throws: DaybookError.self) { try EventCoding<Retiring>().encode(event) }
            #expect(error?.code == .notEncodable)
        }
    }
}
