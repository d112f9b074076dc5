@testable import Daybook
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("BorrowedSnapshot")
struct BorrowedSnapshotTests {
    private let id: AggregateID
    private let good: BSONDocument

    init() throws {
        let sample = try StoredSnapshotTests.sample()
        (id, good) = (sample.aggregateID, try sample.document())
    }

    @Test("a stored snapshot is read back unchanged, and is genuine")
    func roundTrip() throws {
        let sample = try StoredSnapshotTests.sample()
        try good.withBorrowed { document in
            let read = try BorrowedSnapshot(document)
            #expect(read.id == "parcel/P-1")
            #expect(read.version == 3)
            #expect(read.state.map { BSONDocument($0) } == sample.state)
            #expect(read.headID == sample.headID)
            #expect(read.createdAt == sample.createdAt)
            #expect(read.updatedAt == sample.updatedAt)
            #expect(read.identity.version == 3)
            #expect(read.identity.digest == good["digest"])
            #expect(read.identity.stateSchema == 1)
            #expect(read.isGenuine(for: id))
        }
    }

    @Test("a snapshot is not genuine for another aggregate")
    func otherAggregate() throws {
        let others = try [AggregateID("parcel", key: "P-2"), AggregateID("parcels", key: "P-1")]
        try good.withBorrowed { document in
            let read = try BorrowedSnapshot(document)
            for other in others { #expect(!read.isGenuine(for: other)) }
        }
    }

    @Test(
        "a change of anything in the digest is noticed",
        arguments: [
            ("version", 4), ("state", ["status": "lost", "scans": 2]), ("state", [:]), ("state.scans", 3),
            ("stateSchema", .int32(2)),
            ("digest", .binary(BSONBinary(bytes: Array(repeating: 0, count: 32)))),
            ("digest", .binary(BSONBinary(bytes: []))),
            ("head.eventId", .binary(BSONBinary(UUID(milliseconds: 1, upper: 1, lower: 1)))), ("state.scans", nil),
            ("state.status", .symbol("sent")),
        ] as [(String, BSONValue?)])
    func tampered(path: String, value: BSONValue?) throws {
        let isGenuine = try good.changing(path, to: value).withBorrowed { try BorrowedSnapshot($0).isGenuine(for: id) }
        #expect(!isGenuine)
    }

    @Test(
        "a snapshot that lacks a field is read as far as it goes",
        arguments: [
            "_id", "version", "state", "stateSchema", "digest", "head", "head.eventId", "createdAt", "updatedAt",
        ])
    func missing(path: String) throws {
        try expect(good.changing(path, to: nil), lacks: path)
    }

    @Test(
        "a field of a wrong type is as good as absent, never an error, and the stored value is kept for the compare-and-set",
        arguments: [
            "_id", "version", "state", "stateSchema", "digest", "head", "head.eventId", "createdAt", "updatedAt",
        ])
    func wrongType(path: String) throws {
        let original = try #require(good.value(at: path))
        for value in everyBSONValue where value.type != original.type {
            // A shell may write a version as an int32; it means the same.
            if path == "version", value.type == .int32 { continue }
            let damaged = try good.changing(path, to: value)
            try expect(damaged, lacks: path)
            try damaged.withBorrowed { document in
                let identity = try BorrowedSnapshot(document).identity
                if path == "version" { #expect(identity.version == value) }
                if path == "digest" { #expect(identity.digest == value) }
            }
        }
    }

    @Test("an empty document is a snapshot of nothing")
    func empty() throws {
        try BSONDocument().withBorrowed { document in
            let read = try BorrowedSnapshot(document)
            #expect(read.identity == BorrowedSnapshot.Identity())
            #expect(read.id == nil)
            #expect(!read.isGenuine(for: id))
        }
    }

    @Test("cut and corrupted bytes never crash, and never make a genuine snapshot of another state")
    func corrupted() throws {
        var generator = SeededGenerator(seed: 11)
        let state = try StoredSnapshotTests.sample().state
        var documents = (0..<good.bytes.count).map { good.cut(to: $0) }
        documents += (0..<2_000).map { _ in good.corrupted(by: &generator) }
        for document in documents {
            document.withBorrowed { document in
                // Bytes that are no BSON at all are the one thing it refuses.
                guard let read = try? BorrowedSnapshot(document), read.isGenuine(for: id) else { return }
                #expect(read.state.map { BSONDocument($0) } == state)
                #expect(read.version == 3)
            }
        }
    }

    private func expect(_ document: BSONDocument, lacks path: String) throws {
        try document.withBorrowed { document in
            let read = try BorrowedSnapshot(document)
            #expect((read.id == nil) == (path == "_id"))
            #expect((read.version == nil) == (path == "version"))
            #expect((read.state == nil) == (path == "state"))
            #expect((read.identity.stateSchema == nil) == (path == "stateSchema"))
            #expect((read.headID == nil) == path.hasPrefix("head"))
            #expect((read.createdAt == nil) == (path == "createdAt"))
            #expect((read.updatedAt == nil) == (path == "updatedAt"))
            // The digest stands for all but the id's own field and the times.
            let isOutside = ["_id", "updatedAt"].contains(path)
            #expect(read.isGenuine(for: id) == isOutside)
        }
    }
}
