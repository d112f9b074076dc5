internal import DaybookBSON
internal import DaybookMongo

/// An aggregate that a transaction only reads, and that must not change before its commit.
struct AggregateGuard: Sendable {
    let aggregateID: AggregateID
    let snapshots: Namespace
    /// The version that was read.
    let version: Int64
    /// The snapshot at that version, to put in place where none is; nil at version 0, and where none is kept.
    let snapshot: BSONDocument?
}
