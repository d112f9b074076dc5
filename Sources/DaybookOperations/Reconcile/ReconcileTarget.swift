internal import Daybook
internal import DaybookMongo

/// A kind of aggregate that is reconciled, with the program's own code where the program knows it.
struct ReconcileTarget: Sendable {
    let type: AggregateType
    let lifecycle: Lifecycle
    /// Where its snapshots are; nil where none are kept, or none are to be compared.
    var snapshots: Namespace?
    /// Whether an aggregate without a snapshot lacks it.
    let expectsSnapshots: Bool
    /// Nil where only envelopes can be looked at.
    let aggregate: (any Aggregate.Type)?

    init(_ aggregate: any Aggregate.Type, in database: String) {
        type = aggregate.type
        lifecycle = aggregate.lifecycle
        expectsSnapshots = aggregate.lifecycle != .live
        snapshots = expectsSnapshots ? Namespace(database: database, collection: aggregate.snapshotCollection) : nil
        self.aggregate = aggregate
    }

    /// A type of which only the name is known, with the collection that its snapshots are in unless the application
    /// says otherwise.
    init(_ type: AggregateType, snapshots: Namespace?) {
        self.type = type
        // It is not known whether they are written after the commits.
        lifecycle = .async
        self.snapshots = snapshots
        expectsSnapshots = snapshots != nil
        aggregate = nil
    }

    /// The declared schema of the state; nil where none is known.
    var stateSchema: Int32? { aggregate?.stateSchema }
    /// Whether there are states of which no snapshot is kept.
    var mayLoseSnapshot: Bool { aggregate?.mayLoseSnapshot ?? false }
}
