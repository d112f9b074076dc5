@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import DaybookTesting
import Foundation
import IntegrationSupport
import Testing

/// A database with many accounts, as an operator meets it.
enum ReconcileFixture {
    static let aggregates: [any Aggregate.Type] = [Account.self, Tally.self, Meter.self]

    /// Runs `body` with a store that knows its aggregates, as a user with `role`.
    static func withStore<R: Sendable>(
        for aggregates: [any Aggregate.Type] = aggregates, as role: RoleDefinition.Name = .operator,
        clock: CommitClock = .system, _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        try await withTestStore(for: aggregates, as: role, configure: { $0.clock = clock }) { store in
            try await withAnother(on: store, for: aggregates, body)
        }
    }

    /// Runs `body` with one more store on the same database: another process, as far as the database can tell.
    static func withAnother<R: Sendable>(
        on store: DaybookStore, for aggregates: [any Aggregate.Type] = aggregates, uri: String? = nil,
        _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        var configuration = DaybookConfiguration(uri: uri ?? store.configuration.uri, database: store.database)
        configuration.logger = store.configuration.logger
        configuration.clock = store.configuration.clock
        return try await withDaybook(configuration, aggregates: aggregates, body)
    }

    /// Runs `body` with one more store whose messages go through a proxy, to be looked at.
    static func withWatched<R: Sendable>(
        on store: DaybookStore, for aggregates: [any Aggregate.Type] = aggregates, maximumWireVersion: Int32? = nil,
        options: [String] = [],
        _ body: (DaybookStore, FaultProxy) async throws -> R
    ) async throws -> R {
        let proxy = try FaultProxy(to: try ServerAddress(TestServer.uri).port, maximumWireVersion: maximumWireVersion)
        defer { proxy.close() }
        var address = try ServerAddress(store.configuration.uri)
        address.host = "127.0.0.1:\(proxy.port)"
        address.options.removeAll { $0.lowercased().hasPrefix("replicaset=") }
        address.options.append("directConnection=true")
        address.options += options
        return try await withAnother(on: store, for: aggregates, uri: address.uri) { try await body($0, proxy) }
    }

    /// Commits `count` accounts of a kind in bulk: number n has n % 4 + 1 events.
    static func seed<A: Ledger>(
        _ aggregate: A.Type, count: Int, in store: DaybookStore, key: @Sendable (Int) -> String = { Self.key($0) }
    ) async throws {
        // Ids are unlike those of other types in the same journal.
        let clock = SimulatedClock(
            at: Date(timeIntervalSince1970: 1_750_000_000),
            seed: A.type.rawValue.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        let loader = store.bulkLoader()
        for number in 0..<count {
            let batch = BulkBatch(clock: clock.commitClock)
            for _ in 0...(number % 4) {
                try await batch.transaction { transaction in
                    try await transaction.execute(
                        .deposit(number + 1), on: key(number), of: A.self, expecting: nil, commandID: nil, at: clock.now
                    )
                }
                clock.advance(by: .milliseconds(7))
            }
            try await loader.append(batch)
        }
        try await loader.finish()
    }

    static func key(_ number: Int) -> String { "a-\(String(format: "%06d", number))" }

    /// Every snapshot of a kind, as it stands there.
    static func snapshots<A: Aggregate>(of aggregate: A.Type, in store: DaybookStore) async throws -> [String:
        BSONDocument]
    {
        let documents = try await store.raw.documents(in: A.snapshotCollection)
        return Dictionary(uniqueKeysWithValues: documents.map { ($0.string(at: "_id") ?? "", $0) })
    }

    /// The definitions of the indexes of a snapshot collection.
    static func indexes<A: Aggregate>(of aggregate: A.Type, in store: DaybookStore) async throws -> Set<BSONDocument> {
        let namespace = store.raw.namespace(A.snapshotCollection)
        let found = try await store.raw.client.withConnection(.single) { try $0.indexes(of: namespace) }
        return Set(try found.map { try $0.setting("ns", to: nil) })
    }

    /// An event as it stands in the journal.
    static func event(_ id: String, _ version: Int64, in store: DaybookStore) async throws -> BSONDocument {
        try #require(
            try await store.raw.documents(
                in: "journal", where: ["aggregateId": .string(id), "version": .int64(version)]
            ).first)
    }

    /// Drops the snapshot collections.
    static func dropSnapshots(_ aggregates: any Aggregate.Type..., in store: DaybookStore) async throws {
        for aggregate in aggregates { _ = try await store.raw.write(["drop": .string(aggregate.snapshotCollection)]) }
    }

    /// Lets the journal take any document, as it does when an administrator imports by hand.
    static func takeAnyEvent(in store: DaybookStore) async throws {
        _ = try await store.raw.write(["collMod": "journal", "validator": [:], "validationLevel": "off"])
        let unique = JournalIndex.versions.model.name
        _ = try await store.raw.write(["dropIndexes": "journal", "index": .string(unique)])
        _ = try await store.raw.write([
            "createIndexes": "journal", "indexes": [["name": "plain", "key": ["aggregateId": 1, "version": 1]]],
        ])
    }
}

extension ReconcileReport {
    /// The kind of each finding, by id; an id that is there twice keeps both.
    var kinds: [String: [Finding.Kind]] {
        Dictionary(grouping: findings, by: \.aggregateID).mapValues { $0.map(\.kind) }
    }
}

extension FaultProxy {
    /// What was written to the snapshots: the command, the collection, and the document or statement.
    var snapshotWrites: [(command: String, collection: String, statement: BSONDocument)] {
        exchanges.flatMap { exchange -> [(String, String, BSONDocument)] in
            guard
                ["insert", "update", "delete", "findAndModify", "bulkWrite", "findandmodify"].contains(exchange.command)
            else {
                return []
            }
            let collection = exchange.request.string(at: exchange.command) ?? "?"
            guard !collection.hasPrefix("daybook.") else { return [] }
            let inside = ["documents", "updates", "deletes"].flatMap { exchange.request.documents(at: $0) }
            let statements = exchange.statements + inside
            return (statements.isEmpty ? [exchange.request] : statements).map { (exchange.command, collection, $0) }
        }
    }
}
