@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("EventCoding")
struct EventCodingTests {
    @Test("the case is the type, its payload the data")
    func shapes() throws {
        let date = BSONDate(milliseconds: 1_700_000_000_123)
        let shapes: [(Parcel.Event, String, BSONDocument)] = [
            (.lost, "lost", [:]),
            (.packed(note: "x", weight: 1.5), "packed", ["note": "x", "weight": 1.5]),
            (.scanned(at: date.date), "scanned", ["at": .datetime(date)]),
            (.sent(.init(city: "Ulm", zip: "89073")), "sent", ["city": "Ulm", "zip": "89073"]),
            (.sent(.init(city: "Ulm")), "sent", ["city": "Ulm"]),
            (.labelled(labels: ["b": "2", "a": "1"]), "labelled", ["labels": ["a": "1", "b": "2"]]),
        ]
        for (event, type, data) in shapes {
            let stored = try EventCoding<Parcel>().encode(event)
            #expect(stored.type == type)
            #expect(stored.schema == 1)
            #expect(stored.data == data)
            #expect(try decode(type, data) == event)
        }
    }

    @Test("a type that the aggregate does not have is an unknown event, named with its aggregate and version")
    func unknownType() {
        for type in ["", "Lost", "lost ", "renewed", "_0"] {
            let error = #expect(throws: DaybookError.self) { try decode(type, [:]) }
            #expect(error?.code == .unknownEvent)
            #expect(error?.aggregateID == "parcel/P-1")
            #expect(error?.version == 7)
            #expect(error?.message.contains("\"\(type)\"") == true)
        }
    }

    @Test("a schema that this program does not know is an unknown event", arguments: [0, 2, -1, .max, .min] as [Int32])
    func unknownSchema(schema: Int32) {
        let error = #expect(throws: DaybookError.self) { try decode("lost", [:], schema: schema) }
        #expect(error?.code == .unknownEvent)
        #expect(error?.version == 7)
        #expect(error?.message.contains("schema \(schema)") == true)
    }

    @Test(
        "a payload that does not fit is an unreadable event, with the place",
        arguments: [
            ("packed", ["weight": 1], "note"), ("packed", ["note": "x"], "weight"),
            ("packed", ["note": 5, "weight": 1], "note"),
            ("packed", ["note": "x", "weight": "1"], "weight"), ("packed", ["note": .null, "weight": 1], "note"),
            ("sent", [:], "city"), ("sent", ["city": "Ulm", "zip": 5], "zip"), ("scanned", ["at": 5], "at"),
            ("labelled", ["labels": ["a": 1]], "labels.a"),
        ] as [(String, BSONDocument, String)])
    func unreadable(type: String, data: BSONDocument, place: String) {
        let error = #expect(throws: DaybookError.self) { try decode(type, data) }
        #expect(error?.code == .unreadableEvent)
        #expect(error?.aggregateID == "parcel/P-1")
        #expect(error?.version == 7)
        #expect(error?.message.contains("\"\(type)\"") == true)
        #expect(error?.message.contains(place) == true)
    }

    @Test("fields that a case does not have are passed over")
    func additionalFields() throws {
        #expect(try decode("lost", ["later": 1]) == .lost)
        #expect(try decode("sent", ["later": 1, "city": "Ulm"]) == .sent(.init(city: "Ulm")))
    }

    private func decode(_ type: String, _ data: BSONDocument, schema: Int32 = 1) throws -> Parcel.Event? {
        let body = try data.withBorrowed {
            try EventCoding<Parcel>().decode(
                type: type, schema: schema, data: $0, aggregateID: "parcel/P-1", version: 7)
        }
        return if case .event(let event) = body { event } else { nil }
    }
}
