internal import DaybookMongo

/// One kind of aggregate without its Swift type: what a commit must know to write its snapshots.
///
/// A store has one for each kind: the kind's ``Loader``.
protocol AggregateKind: AnyObject, Sendable {
    var lifecycle: Lifecycle { get }
    var stateSchema: Int32 { get }
    /// Whether the kind may have states of which no snapshot is kept.
    var mayLoseSnapshot: Bool { get }
    /// The collection of its snapshots.
    var snapshots: Namespace { get }

    /// Writes the snapshots of these aggregates from the journal; see ``Loader/catchUp(_:writeConcern:on:)``.
    func catchUp(
        _ ids: [AggregateID], writeConcern: WriteConcern?, on connection: isolated MongoConnection
    ) throws -> CaughtUp
}
