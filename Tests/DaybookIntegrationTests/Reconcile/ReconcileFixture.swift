@testable import Daybook
import DaybookBSON
import DaybookTesting
import Foundation
import IntegrationSupport

/// A database with many accounts, as an operator meets it.
enum ReconcileFixture {
    static let aggregates: [any Aggregate.Type] = [Account.self, Tally.self, Meter.self]

    /// Runs `body` with a store that knows its aggregates, as a user with `role`.
    static func withStore<R: Sendable>(
        as role: RoleDefinition.Name = .operator, _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        try await withTestStore(for: testAggregates, as: role) { store in
            try await withDaybook(
                DaybookConfiguration(uri: store.configuration.uri, database: store.database), aggregates: aggregates, body)
        }
    }

    /// Commits `count` accounts of a kind in bulk: number n has n % 4 + 1 events.
    static func seed<A: Ledger>(_ aggregate: A.Type, count: Int, in store: DaybookStore,
        key: @Sendable (Int) -> String = { Self.key($0) }
    ) async throws {
        let clock = SimulatedClock(at: Date(timeIntervalSince1970: 1_750_000_000))
        let loader = store.bulkLoader()
        for number in 0..<count {
            let batch = BulkBatch(clock: clock.commitClock)
            for _ in 0...(number % 4) {
                try await batch.transaction { transaction in
                    try await transaction.execute(
                        .deposit(number + 1), on: key(number), of: A.self, expecting: nil, commandID: nil, at: clock.now)
                }
                clock.advance(by: .milliseconds(7))
            }
            try await loader.append(batch)
        }
        try await loader.finish()
    }

    static func key(_ number: Int) -> String { "a-\(String(format: "%06d", number))" }

    /// Every snapshot of a kind, as it stands there.
    static func snapshots<A: Aggregate>(of aggregate: A.Type, in store: DaybookStore) async throws -> [String: BSONDocument] {
        let documents = try await store.raw.documents(in: A.snapshotCollection)
        return Dictionary(uniqueKeysWithValues: documents.map { ($0.string(at: "_id") ?? "", $0) })
    }
}
