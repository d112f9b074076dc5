@testable import Daybook
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("JournalEvent")
struct JournalEventTests {
    // MARK: The document

    @Test("an event is stored in the shape of the design, byte for byte")
    func golden() throws {
        let event = JournalEvent(
            id: UUID(milliseconds: 0x018B_CFE5_687B, upper: 0xABC, lower: 0x0DEF_0123_4567_89AB),
            aggregateID: "parcel/P-1",
            version: 3, type: "scanned", schema: 1, recordedAt: BSONDate(milliseconds: 1_700_000_000_123),
            commit: .init(
                id: UUID(milliseconds: 0x018B_CFE5_687B, upper: 0xABC, lower: 0x0DEF_0123_4567_89AA), index: 1, count: 2
            ),
            metadata: EventMetadata(commandID: "c-1"))
        let document = try event.document(data: ["note": "x"])
        // Written by a few lines of Python that follow the BSON specification.
        let expected =
            "ef000000055f6964001000000004018bcfe5687b7abc8def0123456789ab026167677265676174654964000b00000070617263656c2f502d3100"
            + "1276657273696f6e000300000000000000027479706500080000007363616e6e65640010736368656d61000100000003646174610011000000"
            + "026e6f74650002000000780000097265636f726465644174007b68e5cf8b01000003636f6d6d69740034000000056964001000000004018bcf"
            + "e5687b7abc8def0123456789aa10696e646578000100000010636f756e74000200000000036d657461001800000002636f6d6d616e64496400"
            + "04000000632d31000000"
        #expect(document.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == expected)
    }

    @Test("an event without a command has an empty meta")
    func noCommand() throws {
        let document = try JournalEvent.sample().document(data: [:])
        #expect(
            try document.keys == [
                "_id", "aggregateId", "version", "type", "schema", "data", "recordedAt", "commit", "meta",
            ])
        #expect(document["meta"] == [:])
    }

    @Test("a stored event is read back unchanged", arguments: [nil, "c-1", "ünï/ \u{10FFFF}"])
    func roundTrip(commandID: String?) throws {
        var event = JournalEvent.sample(version: .max, type: "scännéd", schema: .max, commandID: commandID)
        event.commit = .init(id: UUID(number: .max), index: .max, count: .max)
        event.recordedAt = BSONDate(milliseconds: -1)
        let data: BSONDocument = ["at": .datetime(BSONDate(milliseconds: 5)), "": .null]
        try event.document(data: data).withBorrowed { document in
            let read = try JournalEvent(document)
            #expect(read.id == event.id)
            #expect(read.aggregateID == event.aggregateID)
            #expect(read.version == event.version)
            #expect(read.type == event.type)
            #expect(read.schema == event.schema)
            #expect(read.recordedAt == event.recordedAt)
            #expect(read.commit == event.commit)
            #expect(read.metadata == event.metadata)
            #expect(try BSONDocument(BorrowedEvent(document).data) == data)
        }
    }

    @Test("fields are read in any order, and unknown fields are ignored")
    func tolerance() throws {
        var generator = SeededGenerator(seed: 1)
        let stored = try JournalEvent.sample(commandID: "c-1").document(data: [:])
        for _ in 0..<20 {
            var fields = try stored.fields
            fields.append((key: "later", value: ["anything": 1]))
            fields.shuffle(using: &generator)
            try BSONDocument(fields: fields).withBorrowed { document in
                let read = try JournalEvent(document)
                #expect(read.metadata.commandID == "c-1")
                #expect(read.version == 1)
            }
        }
    }

    @Test("a commit of the usual size is read by its fields, whatever its bytes are")
    func anyCommit() throws {
        let commit: BSONDocument = [
            "id": .binary(BSONBinary(UUID(number: 7))), "index": .int32(3), "count": .int32(0x0102_0304),
        ]
        for place in commit.bytes.indices {
            for change in [1, 0x10, 0x80, 0xFF] as [UInt8] {
                var bytes = commit.bytes
                bytes[place] ^= change
                let changed = BSONDocument(unchecked: bytes)
                let read = try? changed.withBorrowed { try JournalEvent.Commit($0) }
                // The document was checked as a whole first; a foreign field, and what it holds, is passed over.
                guard let fields = try? BSONDocument(validating: bytes).fields else { continue }
                let values = Dictionary(fields.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
                guard case .binary(let id) = values["id"], case .int32(let index) = values["index"],
                    case .int32(let count) = values["count"]
                else {
                    #expect(read == nil, "\(place) \(change)")
                    continue
                }
                #expect(read?.id == id.uuid, "\(place) \(change)")
                if let read { #expect((read.index, read.count) == (index, count), "\(place) \(change)") }
            }
        }
    }

    @Test("the fields of a commit are read in any order")
    func commitOrder() throws {
        let fields: [(key: String, value: BSONValue)] = [
            ("id", .binary(BSONBinary(UUID(number: 7)))), ("index", .int32(3)), ("count", .int32(5)),
        ]
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let document = try BSONDocument(fields: order.map { fields[$0] })
            let commit = try document.withBorrowed { try JournalEvent.Commit($0) }
            #expect(commit == JournalEvent.Commit(id: UUID(number: 7), index: 3, count: 5))
        }
    }

    // MARK: Damage

    private static let required = [
        "_id", "aggregateId", "version", "type", "schema", "data", "recordedAt", "commit", "commit.id", "commit.index",
        "commit.count",
    ]

    @Test("an event without one of its fields is unreadable", arguments: required)
    func missing(path: String) throws {
        let document = try JournalEvent.sample().document(data: [:]).changing(path, to: nil)
        let error = #expect(throws: DaybookError.self) { try read(document) }
        #expect(error?.code == .unreadableEvent)
        #expect(error?.aggregateID == (path == "aggregateId" ? nil : "parcel/P-1"))
        #expect(error?.version == (path == "version" ? nil : 1))
    }

    @Test("an event without meta is an event without a command")
    func withoutMeta() throws {
        let document = try JournalEvent.sample(commandID: "c-1").document(data: [:]).changing("meta", to: nil)
        #expect(throws: Never.self) { try read(document) }
    }

    @Test(
        "a field of another type makes the event unreadable, and the error does not show its value", arguments: required
    )
    func wrongType(path: String) throws {
        let good = try JournalEvent.sample().document(data: [:])
        let original = try #require(good.value(at: path))
        for value in everyBSONValue + [.string("hunter2")] where !isReadable(value, like: original) {
            let error = #expect(throws: DaybookError.self, "\(path) = \(value)") {
                try read(good.changing(path, to: value))
            }
            #expect(error?.code == .unreadableEvent)
            #expect(error.map { "\($0)".contains("hunter2") } == false)
        }
    }

    @Test("an event whose aggregate id is not UTF-8 is unreadable, and a replay does not look at it")
    func invalidAggregateID() throws {
        let document = try JournalEvent.sample(version: 3).document(data: [:])
        let start = try #require(document.bytes.firstRange(of: Array("parcel/P-1".utf8))).lowerBound
        var bytes = document.bytes
        bytes[start + 8] = 0xFF
        let damaged = BSONDocument(unchecked: bytes)
        let error = #expect(throws: DaybookError.self) { try read(damaged) }
        #expect(error?.code == .unreadableEvent)
        #expect(error?.message.contains("aggregateId") == true)
        #expect(JournalEntry(damaged).aggregateID == nil)
        #expect(JournalEntry(damaged).version == 3)
        #expect(try damaged.withBorrowed { try BorrowedEvent($0).version } == 3)
    }

    @Test("a command id of another type makes the event unreadable")
    func wrongCommandID() throws {
        let good = try JournalEvent.sample(commandID: "c-1").document(data: [:])
        for value in everyBSONValue where value.type != .string {
            let error = #expect(throws: DaybookError.self) { try read(good.changing("meta.commandId", to: value)) }
            #expect(error?.code == .unreadableEvent)
            guard value.type != .document else { continue }
            let other = #expect(throws: DaybookError.self) { try read(good.changing("meta", to: value)) }
            #expect(other?.code == .unreadableEvent)
        }
    }

    @Test("an event cut anywhere is unreadable and nothing worse")
    func truncated() throws {
        let whole = try JournalEvent.sample(commandID: "c-1").document(data: ["note": "x", "list": [1, 2, 3]])
        for count in 0..<whole.bytes.count {
            for document in [BSONDocument(unchecked: Array(whole.bytes.prefix(count))), whole.cut(to: count)] {
                expectReadableOrTypedError(document)
            }
        }
        // Cut before its last required field ends it cannot be read.
        for count in 0..<(whole.bytes.count - 40) {
            let error = #expect(throws: DaybookError.self) { try read(whole.cut(to: count)) }
            #expect(error?.code == .unreadableEvent)
        }
    }

    @Test("corrupted bytes give an event or a typed error, never a crash", arguments: 1...4 as ClosedRange<UInt64>)
    func corrupted(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = try JournalEvent.sample(type: "packed", commandID: "c-1").document(data: [
            "note": "x", "weight": 1.5,
        ])
        var readable = 0
        for _ in 0..<2_000 {
            if expectReadableOrTypedError(whole.corrupted(by: &generator)) { readable += 1 }
        }
        // Both ways must have been gone.
        #expect(readable > 40)
        #expect(readable < 1_960)
    }

    @Test("noise gives a typed error, never a crash")
    func noise() {
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 5...200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            expectReadableOrTypedError(BSONDocument(unchecked: bytes).cut(to: bytes.count))
        }
    }

    private func read(_ document: BSONDocument) throws {
        try document.withBorrowed { _ = try JournalEvent($0) }
    }

    private func isReadable(_ value: BSONValue, like original: BSONValue) -> Bool {
        switch (original.type, value) {
        case (.binary, .binary(let binary)): binary.subtype == .uuid && binary.bytes.count == 16
        // A shell may write a small version as an int32.
        case (.int64, .int32), (.int64, .int64): true
        // A commit that is a document but not a commit is another test's.
        default: original.type == value.type
        }
    }

    /// Reads it, folds it, and accepts nothing but success or an error that names its kind.
    @discardableResult
    private func expectReadableOrTypedError(_ document: BSONDocument) -> Bool {
        do {
            guard let id = try? AggregateID("parcel", key: "P-1") else { return false }
            var fold = Fold<Parcel>(id)
            try fold.apply(document)
            return true
        } catch let error as DaybookError {
            let expected: [DaybookError.Code] = [.unreadableEvent, .unknownEvent, .damagedJournal]
            #expect(expected.contains(error.code), "\(error)")
        } catch {
            Issue.record("not one of ours: \(error)")
        }
        return false
    }
}
