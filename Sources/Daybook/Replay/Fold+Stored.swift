internal import Foundation

extension Fold {
    /// The snapshot of the state; nil before the first event.
    package func stored() throws -> StoredSnapshot? {
        guard let headID, let createdAt, let updatedAt else { return nil }
        return StoredSnapshot(
            aggregateID: id, version: version, state: try encodedState(), stateSchema: A.stateSchema, headID: headID,
            createdAt: createdAt, updatedAt: updatedAt)
    }
}
