internal import CBareDriver
internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import DaybookSubscriptions

/// The databases of a run: one that Daybook works in, and a twin, prepared alike, that the bare calls work in.
///
/// Both are this program's own: each holds a collection that says so, and one that does not is never touched.
struct BenchDatabase: Sendable {
    let uri: String
    let name: String
    let client: MongoClient
    let bare: BarePool

    /// Where the bare calls write.
    var twin: String { "\(name)-bare" }

    private static let marker = "daybook.bench"
    private static let aggregates: [any Aggregate.Type] = [
        InlineLoan.self, AsyncLoan.self, LiveLoan.self, Archive.self,
    ]

    /// Prepares both databases, deleting what an earlier run left.
    ///
    /// - Throws: ``BenchError`` when this program has not made one of them.
    static func open(uri: String, name: String, connections: Int) async throws -> BenchDatabase {
        let database = BenchDatabase(
            uri: uri, name: name, client: try MongoClient(uri: uri, appName: "daybook-bench"),
            bare: try BarePool(uri: uri, connections: connections))
        for name in [database.name, database.twin] { try await database.requireOwn(name) }
        for name in [database.name, database.twin] { try await database.reset(name) }
        return database
    }

    private func requireOwn(_ name: String) async throws {
        let reply = try await client.withConnection(.single) { try $0.read(["listCollections": 1], database: name) }
        guard case .document(let cursor) = reply["cursor"], case .array(let found) = cursor["firstBatch"],
            !found.isEmpty
        else {
            return
        }
        let isOwn = found.contains { value in
            if case .document(let collection) = value { collection["name"] == .string(Self.marker) } else { false }
        }
        guard isOwn else {
            throw BenchError(
                "the database \"\(name)\" is not one of this program's, and would be dropped; give another one by "
                    + "--database"
            )
        }
    }

    /// Drops one of the databases and prepares it anew.
    func reset(_ name: String) async throws {
        try await bare.command(["dropDatabase": 1], in: name)
        try await client.withConnection(.single) {
            try $0.insert([["_id": "daybook-bench"]], into: Namespace(database: name, collection: Self.marker))
        }
        let store = try DaybookStore(configuration(name))
        try await store.initialize(Self.aggregates)
        await store.close()
    }

    func resetTwin() async throws { try await reset(twin) }

    /// Waits until the snapshots that are written after their commits are there.
    func settle<A: Aggregate>(_ aggregate: A.Type, _ versions: [AggregateID: Int64]) async throws {
        guard A.lifecycle == .async else { return }
        let deadline = ContinuousClock.now + .seconds(60)
        var left = versions
        while !left.isEmpty {
            let part = left.keys.prefix(500)
            let found = try await client.withConnection(.single) { connection in
                var found: [AggregateID: Int64] = [:]
                let filter: BSONDocument = ["_id": ["$in": .array(part.map { .string($0.rawValue) })]]
                let namespace = Namespace(database: name, collection: A.snapshotCollection)
                try connection.find(filter, in: namespace, options: FindOptions(projection: ["version": 1])) {
                    document in
                    guard let id = try document.first("_id")?.string(),
                        let version = try document.first("version")?.int64()
                    else { return true }
                    found[try AggregateID(parsing: id)] = version
                    return true
                }
                return found
            }
            let before = left.count
            for (id, version) in found where left[id].map({ $0 <= version }) ?? false { left[id] = nil }
            guard left.count == before else { continue }
            guard ContinuousClock.now < deadline else {
                throw BenchError("snapshots did not follow their commits within a minute")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func drop() async throws {
        for name in [name, twin] { try await bare.command(["dropDatabase": 1], in: name) }
        await client.close()
    }

    private func configuration(_ name: String) -> DaybookConfiguration {
        var configuration = DaybookConfiguration(uri: uri, database: name)
        configuration.appName = "daybook-bench"
        // Large states are meant here.
        configuration.stateWarningBytes = .max
        return configuration
    }

    /// A store that is measured.
    ///
    /// - Parameter keepsAggregates: Whether it has in memory what it has loaded or committed to.
    func store(
        of aggregates: [any Aggregate.Type] = [], keepsAggregates: Bool = true, subscriptions: [Subscription] = []
    ) throws -> DaybookStore {
        var configuration = configuration(name)
        if !keepsAggregates { configuration.aggregateCacheBytes = 0 }
        return try DaybookStore(configuration, aggregates: aggregates, subscriptions: subscriptions)
    }

    /// Inserts of all documents of a collection.
    func snapshotBulk(_ collection: String) async throws -> BareBulk {
        try await client.withConnection(.cursor) { connection in
            var bulk = BareBulk(collection: collection, insertsPerCommand: 500)
            try connection.find([:], in: Namespace(database: name, collection: collection)) { document in
                bulk.insert(BSONDocument(document))
                return true
            }
            return bulk
        }
    }

    /// A store whose commands are recorded while `body` says so; that costs time, so it is never measured.
    func withRecordedStore<R: Sendable>(
        keepsAggregates: Bool = true, _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        let store = try self.store(keepsAggregates: keepsAggregates)
        bare_monitor_new_pools(true)
        do {
            // The pool is made by the first operation.
            try await store.initialize(Self.aggregates)
            bare_monitor_new_pools(false)
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            bare_monitor_new_pools(false)
            await store.close()
            throw error
        }
    }
}
