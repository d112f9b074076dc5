internal import DaybookBSON
internal import DaybookMongo
internal import Logging
internal import Synchronization

/// A journal and its snapshots in one database.
///
/// Making one does no input or output; the first operation connects. It is safe to share between tasks, and one is enough for a process.
///
/// ```swift
/// let store = try DaybookStore(DaybookConfiguration(uri: "mongodb://127.0.0.1/?replicaSet=rs0"))
/// try await store.initialize(License.self)
/// let licenses = store.repository(License.self)
/// ```
public final class DaybookStore: Sendable {
    /// What it was made with.
    public let configuration: DaybookConfiguration
    /// The database in use.
    public let database: String
    let client: MongoClient
    let journal: Journal
    private let isVerified = Mutex(false)

    /// - Throws: ``DaybookError/Code/invalidConfiguration`` when the URI or the database's name cannot be used.
    public init(_ configuration: DaybookConfiguration) throws {
        self.configuration = configuration
        do {
            client = try MongoClient(
                uri: configuration.uri, appName: configuration.appName, defaultConnections: configuration.maximumConnections,
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
    }

    /// The aggregates of one kind.
    public func repository<A: Aggregate>(_ aggregate: A.Type) -> Repository<A> {
        Repository(store: self)
    }

    /// Refuses new operations and closes the connections that are not in use.
    public func close() async {
        await client.close()
    }

    var logger: Logger { configuration.logger }

    /// Makes sure, once for each store, that the unique indexes are there: without them the journal could not refuse a second event at one
    /// version.
    func requireInitialized(on connection: isolated MongoConnection) throws {
        if isVerified.withLock({ $0 }) { return }
        let found = try connection.indexes(of: journal.namespace)
        let missing = JournalIndex.allCases.filter { wanted in !found.contains { wanted.model.isSatisfied(by: $0) } }
        guard missing.isEmpty else {
            throw DaybookError(
                .notInitialized,
                "the database \"\(database)\" is not prepared for Daybook: its journal lacks the unique "
                    + "\(missing.map(\.rawValue).sorted().joined(separator: " and ")). Call initialize once, or run the command init."
            )
        }
        isVerified.withLock { $0 = true }
    }
}

/// Runs `body` with a store that is closed afterwards, for scripts and tools.
public func withDaybook<R: Sendable>(
    _ configuration: DaybookConfiguration, isolation: isolated (any Actor)? = #isolation, _ body: (DaybookStore) async throws -> R
) async throws -> R {
    let store = try DaybookStore(configuration)
    do {
        let result = try await body(store)
        await store.close()
        return result
    } catch {
        await store.close()
        throw error
    }
}
