@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import MetricsTestKit
import Testing

@Suite("Snapshots that cannot be written", .timeLimit(.minutes(2)))
struct UnwritableSnapshotTests {
    @Test(
        "while snapshots cannot be written, commits and loads are right, each lagging one is logged and counted, and closing ends"
    )
    func refused() async throws {
        let (lines, metrics) = (LogRecorder(), TestMetrics())
        try await withTestStore(configure: { configuration in
            configuration.logger = lines.logger
            configuration.metricsFactory = metrics
        }) { store in
            let tallies = store.repository(Tally.self)
            _ = try await store.raw.write(["collMod": "snapshots.tally", "validator": ["never": ["$exists": true]]])
            let start = ContinuousClock.now
            for round in 1...10 {
                for key in ["a", "b"] {
                    #expect(try await tallies.execute(.deposit(1), on: key)?.version == Int64(round))
                }
            }
            for key in ["a", "b"] { #expect(try await tallies.load(key).state == Tally(balance: 10, entries: 10)) }
            let error = try await daybookError { try await tallies.waitForSnapshot("a", version: 10) }
            #expect(error?.code == .server)
            #expect(error?.aggregateID == "tally/a")
            await store.close()
            #expect(ContinuousClock.now - start < .seconds(30))
            #expect(metrics.counterTotal(label: "daybook.snapshots.dropped", dimensions: [("aggregate", "tally")]) >= 2)
            #expect(metrics.counterTotal(label: "daybook.snapshots.posted", dimensions: [("aggregate", "tally")]) == 0)
            for id in ["tally/a", "tally/b"] {
                #expect(lines.all.contains { $0.level == "warning" && $0.metadata["aggregateId"] == id })
            }
        }
    }

    @Test(
        "snapshots that the server does not answer are dropped after some time, and written when it answers again")
    func unreachable() async throws {
        try await withFaultyTallies { store, proxy, _ in
            let tallies = store.repository(Tally.self)
            let poster = SnapshotPoster(client: store.client, telemetry: store.telemetry, patience: .milliseconds(300))
            try await tallies.execute(.depositEach([1, 2]), on: "a")
            await store.poster.drain()
            let snapshot = try await tallies.replayedPost("a", at: 3)
            try await store.raw.delete(["_id": "tally/a"], from: "snapshots.tally")
            proxy.fail("update", .dropRequest, times: .max)
            let start = ContinuousClock.now
            // Ten rounds that each fail: only the first one is tried for long.
            for _ in 1...10 {
                await poster.post([snapshot])
                await poster.settled(snapshot.aggregateID, 3)
            }
            await poster.post([snapshot])
            await poster.drain()
            #expect(ContinuousClock.now - start < .seconds(60))
            #expect(try await store.snapshot("a", Tally.self) == nil)
            #expect(try await tallies.load("a").version == 3)
            proxy.heal()
            await poster.post([snapshot])
            await poster.drain()
            #expect(try await store.isCaughtUp("a", Tally.self))
        }
    }
}

extension Repository {
    /// The snapshot after the first `version` events, as it is written behind its commit.
    func replayedPost(_ key: String, at version: Int64) async throws -> SnapshotWrite {
        let id = try AggregateID(A.type, key: key)
        let stored = try await store.client.withConnection(.single) {
            try loader.load(id, at: version, on: $0).stored()
        }
        return try SnapshotWrite(try #require(stored), of: loader)
    }
}
