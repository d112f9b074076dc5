internal import DaybookBSON
package import DaybookMongo
public import Foundation
internal import Synchronization

/// A journal and its snapshots in one database.
///
/// Making a store does no input or output; the first operation connects. Metrics and tracing are chosen when it is
/// made, so a program that has a metrics or a tracing system must bootstrap it first. A store may be shared between
/// tasks, and one is enough for a process.
///
/// ```swift
/// let configuration = DaybookConfiguration(uri: "mongodb://127.0.0.1/?replicaSet=rs0")
/// let store = try DaybookStore(configuration, aggregates: [License.self])
/// try await store.initialize()
/// let licenses = store.repository(License.self)
/// ```
public final class DaybookStore: Sendable {
    /// The configuration that it was made with.
    public let configuration: DaybookConfiguration
    /// The database in use.
    public let database: String
    /// The aggregates whose snapshots ``run()`` keeps up to date.
    package let aggregates: [any Aggregate.Type]
    /// What targets above this one add to the store.
    package let extensions: [any StoreExtension]
    package let client: MongoClient
    package let journal: Journal
    package let telemetry: Telemetry
    /// The live end of the journal, for all who follow it in this process.
    package let tail: JournalTail
    let committer: Committer
    /// The `Loader` of each kind that was used so far.
    private let loaders = Mutex<[ObjectIdentifier: any AnyObject & Sendable]>([:])

    /// - Parameter aggregates: The aggregates whose lagging snapshots ``run()`` catches up, which those with the
    ///   lifecycle ``Lifecycle/async`` need. ``initialize(_:)-(Aggregate....)`` prepares all of them.
    /// - Throws: ``DaybookError/Code/invalidConfiguration`` when the URI or the database's name cannot be used.
    public convenience init(_ configuration: DaybookConfiguration, aggregates: [any Aggregate.Type] = []) throws {
        try self.init(configuration, aggregates: aggregates, extensions: [])
    }

    /// See ``init(_:aggregates:)``.
    package init(
        _ configuration: DaybookConfiguration, aggregates: [any Aggregate.Type], extensions: [any StoreExtension]
    ) throws {
        self.configuration = configuration
        self.aggregates = aggregates
        self.extensions = extensions
        do {
            client = try MongoClient(
                uri: configuration.uri, appName: configuration.appName,
                defaultConnections: configuration.maximumConnections,
                minimumConnections: DaybookConfiguration.minimumConnections,
                waitTimeout: configuration.connectionTimeout)
        } catch {
            throw DaybookError(error, operation: "configuration", aggregateID: nil)
        }
        database = configuration.database ?? client.database ?? "daybook"
        // https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
        guard !database.isEmpty, database.utf8.count < 64,
            !database.unicodeScalars.contains(where: { "/\\. \"$*<>:|?\0".unicodeScalars.contains($0) })
        else {
            throw DaybookError(.invalidConfiguration, "\"\(database)\" cannot be the name of a MongoDB database")
        }
        journal = Journal(database: database)
        telemetry = Telemetry(
            logger: configuration.logger, factory: configuration.metricsFactory, tracer: configuration.tracer,
            stateWarningBytes: configuration.stateWarningBytes)
        committer = Committer(
            client: client, journal: journal, telemetry: telemetry, clock: configuration.clock,
            cacheBytes: configuration.aggregateCacheBytes, timeout: configuration.commitTimeout)
        tail = JournalTail(of: journal, on: client, clock: committer.clock, logger: telemetry.logger)
    }

    package var clock: ServerClock { committer.clock }
    package var readiness: JournalReadiness { committer.readiness }
    var poster: SnapshotPoster { committer.poster }

    /// The aggregates of one kind.
    public func repository<A: Aggregate>(_ aggregate: A.Type) -> Repository<A> {
        Repository(store: self, loader: loader(of: A.self))
    }

    private func loader<A: Aggregate>(of aggregate: A.Type) -> Loader<A> {
        loaders.withLock { loaders in
            if let known = loaders[ObjectIdentifier(A.self)] as? Loader<A> { return known }
            let snapshots = Namespace(database: database, collection: A.snapshotCollection)
            let made = Loader(EventCoding<A>(), snapshots: snapshots, journal: journal, telemetry: telemetry)
            loaders[ObjectIdentifier(A.self)] = made
            return made
        }
    }

    /// What a commit appended to each of its aggregates; empty when there is no such commit.
    ///
    /// The commit of a single command has one participant. A transaction's commit has one for each aggregate that it
    /// changed.
    ///
    /// - Parameter commitID: The id from ``Commit/id`` or ``RecordedEvent/commitID``.
    public func participants(of commitID: UUID) async throws -> [Commit] {
        try await telemetry.perform("participants") {
            try await client.withConnection(.single) { try journal.participants(of: commitID, on: $0) }
        }
    }

    /// Refuses new commits, waits until commits in progress have their outcome and their snapshots are written, then
    /// refuses every other operation too and closes the connections.
    ///
    /// Snapshots that cannot be written are dropped after half a minute.
    public func close() async {
        await committer.close()
        await client.close()
    }

    /// See ``JournalReadiness/requireJournal(on:)``.
    ///
    /// - Parameter operation: The operation that needs it, for the error.
    package func requireJournal(for operation: String) async throws {
        try await telemetry.perform(operation) {
            try await client.withConnection(.single) { try readiness.requireJournal(on: $0) }
        }
    }
}
