internal import DaybookMongo

/// One kind of aggregate, whatever its Swift type: what its commits need to know to write its snapshots.
///
/// A store has one of each kind, its ``Loader``.
protocol AggregateKind: AnyObject, Sendable {
    var lifecycle: Lifecycle { get }
    var stateSchema: Int32 { get }
    /// Whether it has states of which no snapshot is kept.
    var mayLoseSnapshot: Bool { get }
    /// The collection of its snapshots.
    var snapshots: Namespace { get }

    /// Writes the snapshots of these aggregates as the journal has them; see ``Loader/catchUp(_:writeConcern:on:)``.
    func catchUp(
        _ ids: [AggregateID], writeConcern: WriteConcern?, on connection: isolated MongoConnection
    ) throws -> CaughtUp
}
