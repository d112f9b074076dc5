package import Daybook
internal import DaybookMongo

extension DaybookStore {
    /// Its database behind its back, as the administrator: what a test looks at and damages is not the application's to
    /// see and damage.
    package var raw: RawDatabase { RawDatabase(client: (try? TestServer.administrator) ?? client, name: database) }

    /// Makes, as the administrator, what a store needs for more aggregates than ``testAggregates``, and lets the
    /// application use it.
    package func prepare(for more: any Aggregate.Type...) async throws {
        try await raw.prepare(for: testAggregates + more)
    }

    /// Whether every connection comes back. What an abandoned iterator held is given back a little after its end of
    /// life, on the connection's own thread, so this looks until it is so.
    package func returnsEveryConnection(within patience: Duration = .seconds(10)) async -> Bool {
        let end = ContinuousClock.now + patience
        while client.connectionsInUse > 0 {
            guard ContinuousClock.now < end else { return false }
            await Task.yield()
        }
        return true
    }
}
