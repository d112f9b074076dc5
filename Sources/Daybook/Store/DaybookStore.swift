internal import DaybookBSON
package import DaybookMongo
public import Foundation
internal import Synchronization

/// A journal and its snapshots in one database.
///
/// Making one does no input or output; the first operation connects. Where it counts and traces is settled then, so a program that has a metrics
/// or a tracing system bootstraps it first. It is safe to share between tasks, and one is enough for a process.
///
/// ```swift
/// let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1/?replicaSet=rs0"), aggregates: [License.self])
/// try await store.initialize()
/// let licenses = store.repository(License.self)
/// ```
public final class DaybookStore: Sendable {
    /// What it was made with.
    public let configuration: DaybookConfiguration
    /// The database in use.
    public let database: String
    /// The kinds of aggregates that ``run()`` looks after.
    package let aggregates: [any Aggregate.Type]
    package let client: MongoClient
    package let journal: Journal
    package let telemetry: Telemetry
    package let clock: ServerClock
    let groupCommit: GroupCommit
    let cache: AggregateCache
    let poster: SnapshotPoster
    let commitsUnderWay = CommitsUnderWay()
    private let isVerified = Mutex(false)
    /// The `Loader` of each kind that was asked for.
    private let loaders = Mutex<[ObjectIdentifier: any AnyObject & Sendable]>([:])

    /// - Parameter aggregates: The kinds whose lagging snapshots ``run()`` catches up; of these, those with the lifecycle
    ///   ``Lifecycle/async`` need it. ``initialize(_:)-(Aggregate....)`` prepares them too.
    /// - Throws: ``DaybookError/Code/invalidConfiguration`` when the URI or the database's name cannot be used.
    public init(_ configuration: DaybookConfiguration, aggregates: [any Aggregate.Type] = []) throws {
        self.configuration = configuration
        self.aggregates = aggregates
        do {
            client = try MongoClient(
                uri: configuration.uri, appName: configuration.appName, defaultConnections: configuration.maximumConnections,
                minimumConnections: DaybookConfiguration.minimumConnections, waitTimeout: configuration.connectionTimeout)
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
            logger: configuration.logger, factory: configuration.metricsFactory, tracer: configuration.tracer)
        clock = ServerClock(configuration.clock, telemetry: telemetry)
        groupCommit = GroupCommit(client: client, journal: journal, clock: clock, telemetry: telemetry)
        cache = AggregateCache(maximumBytes: configuration.aggregateCacheBytes)
        poster = SnapshotPoster(client: client, telemetry: telemetry)
    }

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
    /// One command's commit has one participant; one of a transaction has those that the transaction changed.
    ///
    /// - Parameter commitID: The id that ``Commit/id`` and ``RecordedEvent/commitID`` have.
    public func participants(of commitID: UUID) async throws -> [Commit] {
        try await telemetry.perform("participants") {
            try await client.withConnection(.single) { try journal.participants(of: commitID, on: $0) }
        }
    }

    /// Refuses new commits, waits until those under way have their outcome and their snapshots are written, then refuses every other operation
    /// too and closes the connections.
    ///
    /// Snapshots that cannot be written are given up after half a minute.
    public func close() async {
        await commitsUnderWay.drain()
        await poster.drain()
        await client.close()
    }

    /// What every write needs: a prepared database, and the server's time.
    func ready(_ connection: isolated MongoConnection) throws {
        try requireInitialized(on: connection)
        clock.measureIfDue(on: connection)
    }

    /// Counts a commit that took effect, and hands on the snapshots that are written after it.
    func took(effect commit: PreparedCommit) async {
        for change in commit.changes {
            telemetry.metrics(of: change.aggregateID.type).countCommit(of: change.versions.count)
            guard let snapshot = change.snapshot else { continue }
            telemetry.warnOfLargeState(
                of: snapshot.aggregateID, at: snapshot.version, bytes: snapshot.stateBytes,
                limit: configuration.stateWarningBytes)
        }
        let posts = commit.snapshots(where: .newer)
        if !posts.isEmpty { await poster.post(posts) }
    }

    /// Makes sure, once for each store, that the unique indexes are there: without them the journal could not refuse a second event at one
    /// version, and while the server still builds one it refuses nothing either.
    package func requireInitialized(on connection: isolated MongoConnection) throws {
        if isVerified.withLock({ $0 }) { return }
        let (ready, unfinished) = try connection.allIndexes(of: journal.namespace)
        let missing = JournalIndex.allCases.filter { wanted in !ready.contains { wanted.model.isSatisfied(by: $0) } }
        guard missing.isEmpty else {
            let building = missing.filter { wanted in unfinished.contains { wanted.model.isSatisfied(by: $0) } }
            guard building.count < missing.count else {
                throw DaybookError(
                    .notInitialized,
                    "the database \"\(database)\" is not ready for commits: the server is still building its journal's unique "
                        + "\(building.map(\.rawValue).sorted().joined(separator: " and ")). Call initialize, or run the command init: they wait for it."
                )
            }
            throw DaybookError(
                .notInitialized,
                "the database \"\(database)\" is not prepared for Daybook: its journal lacks the unique "
                    + "\(missing.map(\.rawValue).sorted().joined(separator: " and ")). Call initialize once, or run the command init."
            )
        }
        isVerified.withLock { $0 = true }
    }

    /// See ``requireJournal(on:)``.
    ///
    /// - Parameter operation: What needs it, as the error names it.
    package func requireJournal(for operation: String) async throws {
        try await telemetry.perform(operation) {
            try await client.withConnection(.single) { try requireJournal(on: $0) }
        }
    }

    /// Makes sure that there is a journal at all: what looks at a database of another name than it was meant finds nothing wrong there.
    ///
    /// https://www.mongodb.com/docs/manual/reference/command/listCollections/: with `nameOnly` and `authorizedCollections` whoever may read the
    /// journal may ask.
    ///
    /// - Throws: ``DaybookError/Code/notInitialized``
    package func requireJournal(on connection: isolated MongoConnection) throws {
        if isVerified.withLock({ $0 }) { return }
        let filter: BSONDocument = ["name": .string(journal.namespace.collection)]
        guard try connection.collectionNames(matching: filter, in: database).isEmpty else { return }
        throw DaybookError(
            .notInitialized,
            "the database \"\(database)\" has no journal. Is that its name? A new database is prepared by initialize, or the command init."
        )
    }
}
