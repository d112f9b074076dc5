package import Daybook
internal import DaybookMongo
internal import Foundation
internal import SampleAggregates

/// Most of such a test is waiting for the driver to find the server again, so several run at once; more would only
/// burden the server.
private let faultTurns = Turns(8)

/// Runs `body` with a store whose connections go through a proxy, on a database of its own where account `a` has one
/// deposit of 1.
///
/// - Parameters:
///   - disguises: What the server is to be taken for. A store sees a router or a replica set only where it is not told
///     to connect directly.
///   - isOlderServer: Whether the server is taken for MongoDB 7.0, which has no `bulkWrite`: an inline commit is then
///     an insert, an update for each snapshot, and its end.
package func withFaultyStore<R: Sendable>(
    _ options: [String] = [], commitTimeout: Duration = .seconds(30), keepsAggregates: Bool = true,
    isOlderServer: Bool = false,
    as disguises: [any Disguise] = [], for aggregates: [any Aggregate.Type] = [],
    _ body: (DaybookStore, FaultProxy, DriverFixture) async throws -> R
) async throws -> R {
    await faultTurns.take()
    defer { faultTurns.pass() }
    return try await withDriverFixture { fixture in
        try await fixture.withProxy(maximumWireVersion: isOlderServer ? 21 : nil, as: disguises) { proxy in
            var configuration = DaybookConfiguration(
                uri: try ServerAddress(fixture.uri(through: proxy, isDirect: disguises.isEmpty)).adding(options).uri,
                database: fixture.database)
            configuration.commitTimeout = commitTimeout
            if !keepsAggregates { configuration.aggregateCacheBytes = 0 }
            return try await withDaybook(configuration, aggregates: aggregates) { store in
                try await store.initialize(Account.self)
                try await store.repository(Account.self).execute(.deposit(1), on: "a")
                proxy.forget()
                return try await body(store, proxy, fixture)
            }
        }
    }
}

extension ServerAddress {
    package func adding(_ options: [String]) -> ServerAddress {
        var copy = self
        copy.options += options
        return copy
    }
}

/// Runs `body` and gives the error of Daybook that it ended with; nil when it succeeded.
package func daybookError(_ body: () async throws -> Void) async throws -> DaybookError? {
    do {
        try await body()
        return nil
    } catch {
        guard let error = error as? DaybookError else { throw error }
        return error
    }
}
