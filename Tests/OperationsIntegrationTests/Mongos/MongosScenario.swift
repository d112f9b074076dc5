import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// Runs `body` with a store that knows a sharded cluster through a router, on a database of its own, where account `a`
/// has one deposit of 1.
func withMongos<R: Sendable>(
    _ options: [String] = [], commitTimeout: Duration = .seconds(30), isOlderServer: Bool = false,
    _ body: (DaybookStore, Mongos, FaultProxy, DriverFixture) async throws -> R
) async throws -> R {
    let mongos = Mongos()
    return try await withFaultyStore(
        options, commitTimeout: commitTimeout, isOlderServer: isOlderServer, as: [mongos],
        for: [Account.self, Tally.self, Meter.self]
    ) { store, proxy, fixture in try await body(store, mongos, proxy, fixture) }
}

extension DaybookStore {
    /// A store on the same database that is not led through the proxy, and sees all.
    func withoutProxy() throws -> DaybookStore {
        try DaybookStore(DaybookConfiguration(uri: TestServer.uri, database: database))
    }
}
