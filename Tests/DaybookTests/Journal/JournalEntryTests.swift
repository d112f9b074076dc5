@testable import Daybook
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("JournalEntry")
struct JournalEntryTests {
    /// What is read of an event, by the names of its fields.
    private func values(of entry: JournalEntry) -> [String: BSONValue?] {
        [
            "_id": entry.id.map { .binary(BSONBinary($0)) }, "aggregateId": entry.aggregateID.map { .string($0) },
            "version": entry.version.map { .int64($0) }, "type": entry.type.map { .string($0) },
            "schema": entry.schema.map { .int32($0) }, "data": entry.data.map { .document($0) },
            "recordedAt": entry.recordedAt.flatMap { try? .datetime(BSONDate($0)) },
            "commit": entry.commitID.map { .binary(BSONBinary($0)) },
            "meta": entry.metadata.commandID.map { .string($0) },
        ]
    }

    @Test("a field that is missing or of another form is nil, and all others are read")
    func damaged() throws {
        let document = try JournalEvent.sample(version: 7, type: "sent", commandID: "c-1").document(data: ["note": "x"])
        let whole = values(of: JournalEntry(document))
        #expect(whole.values.allSatisfy { $0 != nil })
        for key in whole.keys {
            for value in [nil, BSONValue.null, .bool(true), .symbol("sent"), .array([1])] {
                let changed = values(of: JournalEntry(try document.changing(key, to: value)))
                #expect(changed[key] == .some(nil), "\(key)")
                for other in whole.keys where other != key {
                    #expect(changed[other] == whole[other], "\(key) \(other)")
                }
            }
        }
        #expect(values(of: JournalEntry([:])).values.allSatisfy { $0 == nil })
    }

    @Test("the first of two fields with one name is read, in whatever order the fields come")
    func twice() throws {
        var generator = SeededGenerator(seed: 23)
        let document = try JournalEvent.sample(version: 7, type: "sent").document(data: ["note": "x"])
        for _ in 0..<100 {
            var fields = try document.fields
            for (key, _) in try document.fields { fields.append((key, .bool(true))) }
            fields.append(("later", 1))
            fields.shuffle(using: &generator)
            let shuffled = try BSONDocument(fields: fields)
            let entry = JournalEntry(shuffled)
            let isFirst = fields.first { $0.key == "version" }?.value == .int64(7)
            #expect(entry.version == (isFirst ? 7 : nil))
            let version = shuffled.withBorrowed { EventPlace($0)?.version }
            let hasID = fields.first { $0.key == "aggregateId" }?.value != .bool(true)
            #expect(version == (hasID && isFirst ? 7 : nil))
        }
    }

    @Test("an event cut anywhere is read as far as it goes")
    func truncated() throws {
        let whole = try JournalEvent.sample(version: 7, type: "sent", commandID: "c-1").document(data: ["note": "x"])
        let expected = values(of: JournalEntry(whole))
        for count in 0..<whole.bytes.count {
            for (key, value) in values(of: JournalEntry(whole.cut(to: count))) where value != nil {
                #expect(value == expected[key] ?? nil, "\(count) \(key)")
            }
        }
    }
}
