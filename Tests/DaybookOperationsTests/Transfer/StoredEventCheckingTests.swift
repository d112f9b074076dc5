@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import Testing
import TestSupport

@Suite("The envelope of an event from outside")
struct StoredEventCheckingTests {
    private func envelope(_ document: BSONDocument) throws -> StoredEvent { try StoredEvent(checking: document) }

    private static func setting(_ path: String, _ value: BSONValue?) throws -> BSONDocument {
        var document = try JournalEvent.document(commandID: "c-1")
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, case .document(var inner) = document[parts[0]] else {
            if document[path] != nil { return try document.changing(path, to: value) }
            if let value { try document.append(path, value) }
            return document
        }
        if inner[parts[1]] != nil { return try document.changing(path, to: value) }
        guard let value else { return document }
        try inner.append(parts[1], value)
        return try document.changing(parts[0], to: .document(inner))
    }

    @Test("an envelope that a writer made is accepted, in any order of its fields after the id")
    func accepted() throws {
        let found = try envelope(JournalEvent.document("parcel/é 😀/2", 7, type: "$corrected", commandID: "c-1"))
        #expect(found.aggregateID.rawValue == "parcel/é 😀/2")
        #expect(found.version == 7)
        #expect(found.metadata.commandID == "c-1")
        let meta: BSONDocument = [
            "actor": "a", "commandId": "c", "commandName": "n", "commandDigest": .binary(BSONBinary(bytes: [1])),
            "correlationId": "c",
            "causationId": "c", "headers": ["x": "y", "": "z"],
        ]
        #expect(try envelope(Self.setting("meta", .document(meta))).metadata.commandID == "c")
        let fields = try JournalEvent.document().fields
        let turned = try ([fields[0]] + fields.dropFirst().reversed()).reduce(into: BSONDocument()) {
            try $0.append($1.key, $1.value)
        }
        #expect(try envelope(turned).version == 1)
    }

    /// What is wrong, and a part of what is said about it.
    static let faults: [(path: String, value: BSONValue?, text: String)] = [
        ("_id", nil, "does not begin with its _id"), ("aggregateId", nil, "lacks the field \"aggregateId\""),
        ("data", nil, "lacks the field \"data\""), ("meta", nil, "lacks the field \"meta\""),
        ("commit.count", nil, "lacks the field \"commit.count\""),
        ("_id", "x", "\"_id\" of another form"), ("_id", .binary(BSONBinary(bytes: [1])), "\"_id\" of another form"),
        ("aggregateId", "parcel", "\"aggregateId\" that cannot be"), ("aggregateId", "Parcel/1", "cannot be"),
        ("aggregateId", "parcel/", "the key is empty"), ("aggregateId", "parcel/e\u{301}", "normalization form C"),
        ("aggregateId", .string("parcel/" + String(repeating: "x", count: 257)), "257 bytes"),
        ("version", .int32(1), "int and not long"), ("version", 0, "versions begin at 1"),
        ("version", .int64(.max), "they end at 9007199254740991"),
        ("version", 1.0, "double and not long"),
        ("type", "", "empty type"), ("type", "$else", "begins with $"), ("type", 1, "\"type\" of another form"),
        ("schema", 1, "\"schema\" of another form"), ("schema", .int32(0), "at least 1"),
        ("data", ["a"], "\"data\" of another form"), ("recordedAt", 1, "\"recordedAt\" of another form"),
        ("commit.id", "x", "\"commit.id\" of another form"), ("commit.index", .int32(-1), "at least 0"),
        ("commit.count", .int32(0), "at least 1"), ("commit.more", 1, "\"commit.more\", which no event has"),
        ("meta.commandId", "", "the command id is empty"), ("meta.commandId", 1, "\"meta.commandId\" of another form"),
        ("meta.commandDigest", "x", "another form"), ("meta.actor", nil, ""),
        ("meta.actor", 1, "\"meta.actor\" of another form"),
        ("meta.user", "x", "\"meta.user\", which no event has"),
        ("meta.headers", ["a": 1], "\"meta.headers.a\" of another form"),
        ("more", 1, "\"more\", which no event has"),
    ]

    @Test(
        "an envelope that the journal's validator or a rule of ids would refuse is refused, by field and reason",
        arguments: faults.indices)
    func refused(index: Int) throws {
        let fault = Self.faults[index]
        let document = try Self.setting(fault.path, fault.value)
        guard !fault.text.isEmpty else {
            _ = try envelope(document)
            return
        }
        let error = #expect(throws: DaybookError.self) { try envelope(document) }
        #expect(error?.code == .invalidImport)
        #expect(error?.message.contains(fault.text) == true, "\(error?.message ?? "")")
    }

    @Test("an envelope with a field twice is refused, and one with an id that the server would move to the front")
    func twice() throws {
        var twice = try JournalEvent.document()
        try twice.append("version", 2)
        #expect(throws: DaybookError.self) { try envelope(twice) }
        let fields = try JournalEvent.document().fields
        let turned = try fields.reversed().reduce(into: BSONDocument()) { try $0.append($1.key, $1.value) }
        let error = #expect(throws: DaybookError.self) { try envelope(turned) }
        #expect(error?.message.contains("does not begin with its _id") == true)
    }

    @Test("random documents are refused, and the message shows nothing of them")
    func random() throws {
        for seed in 0..<300 {
            var random = RandomBSON(seed: UInt64(seed))
            let document = try random.document()
            #expect(throws: DaybookError.self) { try envelope(document) }
        }
    }
}
