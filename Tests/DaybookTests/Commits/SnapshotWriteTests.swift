@testable import Daybook
import DaybookBSON
import DaybookMongo
import Testing

@Suite("SnapshotWrite")
struct SnapshotWriteTests {
    private let id: BSONValue = "parcel/P-1"
    private let found = BorrowedSnapshot.Identity(version: 2, digest: "d", stateSchema: 1)

    /// Of version 3 and `stateSchema` 1.
    private func write(
        _ basis: SnapshotBasis, rival: BorrowedSnapshot.Identity? = nil, isKept: Bool = true
    ) throws -> SnapshotWrite {
        try SnapshotWrite(
            StoredSnapshotTests.sample(), of: Loader<Parcel>.sample, where: .unchanged, basis: basis, rival: rival,
            isKept: isKept)
    }

    private func selector(_ operation: BulkOperation?) throws -> BSONDocument {
        switch try #require(operation) {
        case .replaceOne(let selector, let replacement, _):
            #expect(try replacement == StoredSnapshotTests.sample().document())
            return selector
        case .deleteOne(let selector): return selector
        case let other: throw DaybookError(.invalidArgument, "\(other)")
        }
    }

    private func hasUnchangedWrite(_ write: SnapshotWrite) throws -> Bool {
        if case .some = try write.unchangedWrite() { true } else { false }
    }

    @Test("a snapshot replaces the stored one only while that is unchanged, also where a field has the type undefined")
    func unchanged() throws {
        let changes: [(BSONValue?, BSONValue?, BSONDocument)] = [
            (2, "d", ["_id": id, "version": ["$eq": 2], "digest": ["$eq": "d"]]),
            (nil, .null, ["_id": id, "version": ["$eq": .null], "digest": ["$eq": .null]]),
            (.undefined, "d", ["_id": id, "version": ["$type": .int32(6)], "digest": ["$eq": "d"]]),
            (2, .undefined, ["_id": id, "version": ["$eq": 2], "digest": ["$type": .int32(6)]]),
        ]
        for (version, digest, expected) in changes {
            let basis = SnapshotBasis.read(.init(version: version, digest: digest, stateSchema: 1))
            #expect(try selector(write(basis).unchangedWrite()) == expected)
            #expect(try selector(write(basis, isKept: false).unchangedWrite()) == expected)
        }
    }

    @Test("a snapshot that a rival may have written meanwhile is replaced as the rival has left it, too")
    func rival() throws {
        let rival = BorrowedSnapshot.Identity(version: 3, digest: "e", stateSchema: 1)
        let expected: BSONDocument = [
            "_id": id,
            "$or": [
                ["_id": id, "version": ["$eq": 2], "digest": ["$eq": "d"]],
                ["_id": id, "version": ["$eq": 3], "digest": ["$eq": "e"]],
            ],
        ]
        #expect(try selector(write(.cached(found), rival: rival).unchangedWrite()) == expected)
    }

    @Test("where none was stored, a snapshot is inserted, and one that is not kept is no write")
    func first() throws {
        guard case .insert(let document) = try write(.read(nil)).unchangedWrite() else {
            return #expect(Bool(false), "it is inserted")
        }
        #expect(try document == StoredSnapshotTests.sample().document())
        #expect(try !hasUnchangedWrite(write(.read(nil), isKept: false)))
    }

    @Test("a newer program's snapshot is never matched")
    func newerProgram() throws {
        let newer = SnapshotBasis.read(.init(version: 2, digest: "d", stateSchema: 2))
        #expect(try !hasUnchangedWrite(write(newer)))
        #expect(try !hasUnchangedWrite(write(newer, isKept: false)))
        let guarded: BSONDocument = ["_id": id, "version": ["$lt": 3], "stateSchema": ["$lte": .int32(1)]]
        #expect(try selector(write(newer).guardedWrite()) == guarded)
    }

    @Test("after a commit a snapshot replaces an older one, and one that was not believed while that is unchanged")
    func guarded() throws {
        let older: BSONDocument = ["_id": id, "version": ["$lt": 3], "stateSchema": ["$lte": .int32(1)]]
        for basis in [SnapshotBasis.read(nil), .cached(nil), .read(found)] {
            #expect(try selector(write(basis).guardedWrite()) == older)
        }
        let damaged = SnapshotBasis.read(.init(version: .undefined, digest: "d", stateSchema: 1))
        let expected: BSONDocument = [
            "_id": id,
            "$or": [
                ["version": ["$lt": 3], "stateSchema": ["$lte": .int32(1)]],
                ["_id": id, "version": ["$type": .int32(6)], "digest": ["$eq": "d"]],
            ],
        ]
        #expect(try selector(write(damaged).guardedWrite()) == expected)
    }

    @Test("after a commit a snapshot that is not kept deletes what is as old, and never what is newer")
    func deletion() throws {
        let expected: BSONDocument = ["_id": id, "version": ["$lte": 3], "stateSchema": ["$lte": .int32(1)]]
        #expect(try selector(write(.read(nil), isKept: false).guardedWrite()) == expected)
        #expect(try selector(write(.read(found), isKept: false).guardedWrite()) == expected)
    }
}
