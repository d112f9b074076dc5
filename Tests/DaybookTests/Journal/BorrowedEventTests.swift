@testable import Daybook
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("BorrowedEvent")
struct BorrowedEventTests {
    /// What is read of a document, or the error.
    private func read(_ document: BSONDocument, typeBefore: String = "") -> Result<[BSONValue], DaybookError> {
        Result {
            try document.withBorrowed { document in
                let entry = try BorrowedEvent(document, typeBefore: typeBefore)
                return [
                    .binary(BSONBinary(entry.id)), .string(String(decoding: entry.aggregateID, as: UTF8.self)),
                    .int64(entry.version), .string(entry.type), .int32(entry.schema),
                    .document(BSONDocument(entry.data)),
                    .datetime(entry.recordedAt),
                ]
            }
        }.mapError { ($0 as? DaybookError) ?? DaybookError(.invalidArgument, "another error") }
    }

    @Test("fields in any order, with foreign ones and others twice, are read as a whole event reads them")
    func order() throws {
        var generator = SeededGenerator(seed: 17)
        let document = try JournalEvent.sample(version: 7, type: "sent", commandID: "c-1").document(data: ["note": "x"])
        let other = try JournalEvent.sample(version: 8, type: "lost").document(data: ["note": "y"])
        for _ in 0..<300 {
            var fields = try document.fields
            for field in try other.fields where Int.random(in: 0..<4, using: &generator) == 0 { fields.append(field) }
            fields.append(("later", 1))
            fields.append(("", 2))
            fields.shuffle(using: &generator)
            let shuffled = try BSONDocument(fields: fields)
            try shuffled.withBorrowed { document in
                let entry = try BorrowedEvent(document, typeBefore: "sent")
                let event = try JournalEvent(document)
                #expect(entry.id == event.id)
                #expect(String(decoding: entry.aggregateID, as: UTF8.self) == event.aggregateID)
                #expect(entry.version == event.version)
                #expect(entry.type == event.type)
                #expect(entry.schema == event.schema)
                #expect(entry.recordedAt == event.recordedAt)
                let stored = try StoredEvent(BSONDocument(document))
                #expect(stored.data == BSONDocument(entry.data))
                #expect(fields.last { $0.key == "data" }?.value == .document(stored.data))
                let place = try #require(EventPlace(document))
                #expect(try place.version == document.first("version")?.int64())
                let id = try #require(try document.first("aggregateId"))
                #expect(try place.aggregateID.elementsEqual(id.stringBytes()))
            }
        }
    }

    @Test("a field that is missing or of the wrong form is an error, whatever the type of the event before")
    func faults() throws {
        let document = try JournalEvent.sample(version: 7, type: "sent").document(data: [:])
        for key in ["_id", "aggregateId", "version", "type", "schema", "data", "recordedAt"] {
            for value in [nil, BSONValue.null, .bool(true), .symbol("sent"), .javascript("sent")] {
                let changed = try document.changing(key, to: value)
                for before in ["", "sent"] {
                    let error = #expect(throws: DaybookError.self) { try read(changed, typeBefore: before).get() }
                    #expect(error?.code == .unreadableEvent)
                    #expect(error?.message.contains(key) == true)
                }
            }
        }
    }

    @Test(
        "the type of the previous event makes no difference to what is read",
        arguments: ["", "sent", "sen", "sent ", "lost", "gesendét"])
    func typeBefore(type: String) throws {
        var generator = SeededGenerator(seed: 4)
        for stored in ["sent", "gesendét", "s"] {
            let document = try JournalEvent.sample(type: stored).document(data: [:])
            #expect(try read(document, typeBefore: type).get()[3] == .string(stored))
            for _ in 0..<100 {
                let corrupted = document.corrupted(by: &generator)
                let (left, right) = (read(corrupted, typeBefore: type), read(corrupted))
                switch (left, right) {
                case (.success(let left), .success(let right)): #expect(left == right)
                case (.failure(let left), .failure(let right)): #expect(left.message == right.message)
                default: Issue.record("read differently: \(left), \(right)")
                }
            }
        }
    }
}
