@testable import Daybook
import DaybookBSON
import Foundation
import TestSupport
import Testing

@Suite("Correction")
struct CorrectionTests {
    private var state: Dossier {
        var state = Dossier()
        state.title = "first"
        state.price.note = "old"
        state.numbers = [1, nil]
        state.labels = ["a": 1, "b": 2]
        state.lines = [.init(amount: 1), .init(amount: 2)]
        state.dueAt = BSONDate(milliseconds: 1_700_000_000_123).date
        state.small = 4
        return state
    }

    private func corrected(_ patch: BSONDocument, _ state: Dossier? = nil) throws -> (Dossier, BSONDocument) {
        let state = state ?? self.state
        let correction = try Correction(patch: patch, stateSchema: 1, reason: "r", actor: "a").normalized(for: state)
        return (try correction.applied(to: state), correction.patch)
    }

    @Test("a correction sets, removes and adds fields, also inside documents")
    func merging() throws {
        var expected = state
        expected.title = "second"
        expected.price = .init(amount: 9, currency: "EUR", note: nil)
        expected.labels = ["a": 5, "c": 3]
        expected.dueAt = nil
        let patch: BSONDocument = [
            "title": "second", "price": ["amount": 9, "note": .null], "labels": ["a": 5, "b": .null, "c": 3],
            "dueAt": .null,
        ]
        #expect(try corrected(patch).0 == expected)
    }

    @Test("an array is replaced as a whole")
    func arrays() throws {
        var expected = state
        expected.lines = [.init(amount: 7, currency: "CHF")]
        expected.numbers = [nil, 3]
        expected.tags = ["x", "a"]
        for tags in [["a", "x"], ["x", "a"]] as [BSONValue] {
            let asked: BSONDocument = [
                "lines": [["amount": 7, "currency": "CHF"]], "numbers": [.null, 3], "tags": tags,
            ]
            let (corrected, patch) = try corrected(asked)
            #expect(corrected == expected)
            #expect(patch["numbers"] == [.null, .int64(3)])
            #expect(patch["tags"] == ["a", "x"], "a set is stored in its own order")
        }
    }

    @Test("a number is stored as the type that its field has, whatever it was given as")
    func numbers() throws {
        for five in [.int32(5), .int64(5), .double(5)] as [BSONValue] {
            let (corrected, patch) = try corrected([
                "price": ["amount": five], "rate": five, "small": five, "labels": ["new": five],
            ])
            #expect(corrected.price.amount == 5 && corrected.rate == 5 && corrected.small == 5)
            let expected: BSONDocument = [
                "price": ["amount": .int64(5)], "rate": .double(5), "small": .int32(5), "labels": ["new": .int64(5)],
            ]
            #expect(patch == expected)
        }
        for total in [.int32(5), .int64(5), .decimal128(try #require(BSONDecimal128("5")))] as [BSONValue] {
            let (corrected, patch) = try corrected(["total": total])
            #expect(corrected.total == 5)
            #expect(patch["total"] == .decimal128(try #require(BSONDecimal128("5"))))
        }
    }

    @Test("a date is one to the millisecond")
    func dates() throws {
        let date = BSONDate(milliseconds: 1_800_000_000_001)
        let (corrected, patch) = try corrected(["dueAt": .datetime(date)])
        #expect(corrected.dueAt == date.date)
        #expect(patch["dueAt"] == .datetime(date))
    }

    static let refusals: [(patch: String, hint: String)] = [
        (#"{"unknown": 77251}"#, "unknown"), (#"{"price": {"unknown": 77251}}"#, "price.unknown"),
        (#"{"title": 77251}"#, "title"),
        (#"{"title": null}"#, "title"), (#"{"price": null}"#, "price"), (#"{"price": 77251}"#, "price"),
        (#"{"price": {"amount": 0.77251}}"#, "amount"), (#"{"price": {"amount": "77251"}}"#, "amount"),
        (#"{"lines": [{"amount": 1}]}"#, "currency"), (#"{"lines": {"amount": 77251}}"#, "lines"),
        (#"{"lines": [77251]}"#, "lines"), (#"{"lines": [{"amount": 1, "currency": "EUR", "extra": 77251}]}"#, "lines"),
        (#"{"tags": ["a", 77251]}"#, "tags"), (#"{"tags": ["a", "a"]}"#, "tags"), (#"{"small": 7725100000}"#, "small"),
        (#"{"dueAt": 77251}"#, "dueAt"), (#"{"dueAt": "77251"}"#, "dueAt"),
        (#"{"labels": {"a": "77251"}}"#, "labels.a"),
        (#"{"isOpen": 1}"#, "isOpen"), (#"{"owner": "77251"}"#, "owner"), (#"{"total": "77251"}"#, "total"),
        (#"{"numbers": ["77251"]}"#, "numbers"), (#"{"price": {"note": {"a": 77251}}}"#, "note"),
        (#"{"": 77251}"#, "no field"),
        (#"{"price.amount": 77251}"#, "price.amount"),
        (#"{"byNumber": {"x": {"amount": 1, "currency": "77251"}}}"#, "byNumber"),
    ]

    @Test(
        "a value that the state cannot have is refused, with its place and without its value",
        arguments: refusals.indices)
    func refused(index: Int) throws {
        let (patch, hint) = Self.refusals[index]
        let document = try BSONDocument(extendedJSON: patch)
        let error = #expect(throws: DaybookError.self) { try corrected(document) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(hint) == true, "\(error?.message ?? "")")
        #expect(error?.description.contains("7251") == false, "\(error?.description ?? "")")
    }

    @Test("removing what is not there is no fault, and neither is an empty patch")
    func nothing() throws {
        for patch in [[:], ["price": [:]], ["none": .null], ["owner": .null], ["labels": ["z": .null]]]
            as [BSONDocument]
        {
            #expect(try corrected(patch).0 == state)
        }
    }

    @Test("a key that is twice in a patch is refused: it would mean one thing here and another there")
    func duplicateKeys() throws {
        var patch: BSONDocument = ["title": "second"]
        try patch.append("title", "third")
        var labels: BSONDocument = ["new": 1]
        try labels.append("new", 2)
        for patch in [patch, ["labels": .document(labels)]] {
            let error = #expect(throws: DaybookError.self) { try corrected(patch) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("a stored correction is read back, and a payload that is no correction is refused")
    func stored() throws {
        let correction = Correction(patch: ["a": ["b": .null]], stateSchema: 3, reason: "why", actor: "who")
        let data = try correction.data()
        #expect(try data.withBorrowed { try Correction($0) } == correction)
        for key in ["patch", "stateSchema", "reason", "actor"] {
            for value in [nil, 1.5, []] as [BSONValue?] {
                let damaged = try data.changing(key, to: value)
                let error = #expect(throws: DaybookError.self) {
                    try damaged.withBorrowed {
                        try EventCoding<Dossier>().decode(
                            type: "$corrected", schema: 1, data: $0, aggregateID: "dossier/D-1", version: 4)
                    }
                }
                #expect(error?.code == .unreadableEvent)
                #expect(error?.version == 4)
                #expect(error?.aggregateID == "dossier/D-1")
            }
        }
    }

    @Test("random patches of random states: what is accepted gives the writer, a load and a replay the same bytes")
    func fuzz() throws {
        var generator = SeededGenerator(seed: 4)
        var hostile = RandomBSON(seed: 5)
        var (accepted, refused) = (0, 0)
        for round in 0..<3_000 {
            let state = Dossier.random(using: &generator)
            let other = try BSONEncoder().encode(Dossier.random(using: &generator))
            var patch = try Self.part(of: other, &generator)
            // Now and then something that no dossier has.
            if round % 5 == 0 {
                let keys = try other.keys + ["none"]
                patch = try patch.changing("price", to: nil)
                try patch.append(keys.randomElement(using: &generator) ?? "x", hostile.value(depth: 2))
            }
            let wanted = Correction(patch: patch, stateSchema: 1, reason: "r", actor: "a")
            let correction: Correction
            do {
                correction = try wanted.normalized(for: state)
            } catch let error as DaybookError {
                #expect(error.code == .invalidArgument)
                refused += 1
                continue
            }
            accepted += 1
            // As the writer has it, as a load has it that begins at the stored state, and as it was asked for.
            let bytes = try BSONEncoder().encode(correction.applied(to: state))
            let loaded = try BSONDecoder().decode(Dossier.self, from: BSONEncoder().encode(state))
            let stored = try correction.data().withBorrowed { try Correction($0) }
            #expect(try BSONEncoder().encode(stored.applied(to: loaded)) == bytes)
            let asked = try BSONEncoder().encode(state).merging(patch)
            #expect(try BSONEncoder().encode(BSONDecoder().decode(Dossier.self, from: asked)) == bytes)
            // Taken again it changes nothing.
            let after = try BSONDecoder().decode(Dossier.self, from: bytes)
            #expect(try BSONEncoder().encode(wanted.normalized(for: after).applied(to: after)) == bytes)
        }
        #expect(accepted > 1_000, "only \(accepted) were accepted")
        #expect(refused > 200, "only \(refused) were refused")
    }

    /// Some of a document's fields, each whole, in part, or to be removed; numbers often in another type.
    private static func part(of document: BSONDocument, _ generator: inout SeededGenerator) throws -> BSONDocument {
        var part = BSONDocument()
        for (key, value) in try document.fields where Int.random(in: 0..<3, using: &generator) == 0 {
            switch value {
            case .document(let inner) where Bool.random(using: &generator):
                try part.append(key, .document(Self.part(of: inner, &generator)))
            case .int64(let number) where Bool.random(using: &generator): try part.append(key, .double(Double(number)))
            case .int64(let number) where Bool.random(using: &generator): try part.append(key, .int32(Int32(number)))
            default: try part.append(key, Int.random(in: 0..<12, using: &generator) == 0 ? .null : value)
            }
        }
        return part
    }
}
