@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("FeedOverlap")
struct FeedOverlapTests {
    private func entry(_ aggregateID: BSONValue?, _ version: BSONValue?, id: UInt128 = 0) throws -> JournalEntry {
        var document: BSONDocument = ["_id": .binary(BSONBinary(UUID(number: id)))]
        if let aggregateID { try document.append("aggregateId", aggregateID) }
        if let version { try document.append("version", version) }
        return JournalEntry(document)
    }

    @Test(
        "covers an event that was read, and an earlier one of the same aggregate; no later one, and no other aggregate's"
    )
    func heads() throws {
        let overlap = FeedOverlap([
            try entry("account/a", .int64(7), id: 1), try entry("account/a", .int64(6), id: 2),
            try entry("account/b", .int64(1), id: 3),
        ])
        #expect(overlap.covers(try entry("account/a", .int64(7), id: 1)))
        #expect(overlap.covers(try entry("account/a", .int64(3), id: 9)))
        #expect(!overlap.covers(try entry("account/a", .int64(8), id: 9)))
        #expect(!overlap.covers(try entry("account/b", .int64(2), id: 9)))
        #expect(!overlap.covers(try entry("account/c", .int64(1), id: 9)))
        #expect(!FeedOverlap([]).covers(try entry("account/a", .int64(1), id: 1)))
    }

    @Test("covers a damaged event only by its id, and tells aggregates apart by bytes")
    func damaged() throws {
        let overlap = FeedOverlap([
            try entry(nil, .int64(7), id: 1), try entry("account/a", "7", id: 2),
            try entry("account/\u{E9}", .int64(7), id: 3),
        ])
        #expect(overlap.covers(try entry(nil, nil, id: 1)))
        #expect(overlap.covers(try entry("account/a", "7", id: 2)))
        #expect(!overlap.covers(try entry(nil, .int64(7), id: 9)))
        #expect(!overlap.covers(try entry("account/a", .int64(1), id: 9)))
        // The same letter for Swift's String, of other bytes.
        #expect(!overlap.covers(try entry("account/e\u{301}", .int64(1), id: 9)))
    }
}
