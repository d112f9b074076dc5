internal import DaybookBSON
internal import DaybookMongo

/// An aggregate that a transaction has only read, and that must not change before the transaction commits.
struct AggregateGuard: Sendable {
    let aggregateID: AggregateID
    let snapshots: Namespace
    /// The version that was read.
    let version: Int64
    /// The snapshot at that version, to insert where none is stored; nil at version 0, and where no snapshot is kept.
    let snapshot: BSONDocument?
}
