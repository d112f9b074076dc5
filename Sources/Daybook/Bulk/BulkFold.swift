internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// A `Fold`, whatever it folds.
protocol BulkFold: Sendable {
    var version: Int64 { get }
    mutating func commit(headID: UUID, at recordedAt: BSONDate)

    /// The snapshot at its head; nil where none is kept.
    func post(to database: String) throws -> SnapshotPost?
}

extension Fold: BulkFold {
    func post(to database: String) throws -> SnapshotPost? {
        guard A.lifecycle != .live, let headID, let createdAt, let updatedAt else { return nil }
        let snapshot = StoredSnapshot(
            aggregateID: id, version: version, state: try encodedState(), stateSchema: A.stateSchema, headID: headID,
            createdAt: createdAt, updatedAt: updatedAt)
        return try SnapshotPost(
            snapshot, collection: Namespace(database: database, collection: A.snapshotCollection), basis: .read(nil),
            isKept: keepsSnapshot)
    }
}
