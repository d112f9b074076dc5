@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import MetricsTestKit
import Testing

@Suite("Metrics", .timeLimit(.minutes(1)))
struct MetricsTests {
    private struct Counts {
        let metrics: TestMetrics

        func callAsFunction(_ label: String, of type: String = "tally") -> Int64 {
            metrics.counterTotal(label: "daybook.\(label)", dimensions: [("aggregate", type)])
        }

        func times(_ operation: String) -> Int {
            metrics.timers(label: "daybook.operation.duration", dimensions: [("operation", operation)]).reduce(0) {
                $0 + $1.values.count
            }
        }
    }

    @Test("commands and loads from the cache are counted as hits, and only what is read is a load")
    func cache() async throws {
        let metrics = TestMetrics()
        let counts = Counts(metrics: metrics)
        try await withTestStore(configure: { $0.metricsFactory = metrics }) { store in
            let tallies = store.repository(Tally.self)
            for _ in 1...3 { try await tallies.execute(.deposit(1), on: "a") }
            #expect(counts("loads") == 1)
            #expect(counts("cache.hits") == 2)
            _ = try await tallies.load("a")
            #expect(counts("loads") == 2)
            #expect(counts("cache.hits") == 3)
            #expect(counts("commits") == 3)
        }
    }

    @Test(
        "commits, events, loads, folded events, snapshots, batches and durations are counted, each for its kind of aggregate"
    )
    func counts() async throws {
        let metrics = TestMetrics()
        let counts = Counts(metrics: metrics)
        let configure: (inout DaybookConfiguration) -> Void = {
            $0.metricsFactory = metrics
            $0.aggregateCacheBytes = 0
        }
        try await withTestStore(configure: configure) { store in
            let tallies = store.repository(Tally.self)
            for _ in 1...3 {
                try await tallies.execute(.deposit(1), on: "a")
                await store.poster.drain()
            }
            try await tallies.execute(.depositEach([1, 2]), on: "a")
            await store.poster.drain()
            #expect(counts("commits") == 4)
            #expect(counts("events.appended") == 5)
            #expect(counts("loads") == 4)
            #expect(counts("events.folded") == 0, "each began at a snapshot that was up to date")
            #expect(counts("snapshots.posted") == 4)
            #expect(counts("snapshots.ignored") == 0)
            #expect(counts("snapshots.dropped") == 0)
            #expect(counts("conflicts") == 0)
            #expect(counts("retries") == 0)

            _ = try await tallies.load("a")
            #expect(counts("loads") == 5)
            try await store.raw.update(["_id": "tally/a"], with: ["$set": ["state.balance": 9]], in: "snapshots.tally")
            _ = try await tallies.load("a")
            #expect(counts("snapshots.ignored") == 1)
            #expect(counts("events.folded") == 5)

            let meters = store.repository(Meter.self)
            for _ in 1...2 { try await meters.execute(.deposit(1), on: "a") }
            #expect(counts("events.folded", of: "meter") == 1)
            #expect(counts("snapshots.posted", of: "meter") == 0)
            #expect(counts("commits", of: "meter") == 2)

            try await store.transaction { transaction in
                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                try await transaction.execute(.depositEach([1, 1]), on: "a", of: Tally.self)
            }
            #expect(counts("commits", of: "account") == 1)
            #expect(counts("events.appended", of: "account") == 1)
            #expect(counts("commits") == 5)
            #expect(counts("events.appended") == 7)

            #expect(counts.times("execute") == 6)
            #expect(counts.times("load") == 2)
            #expect(counts.times("transaction") == 1)
            let batches = metrics.recorders(label: "daybook.batch.size").flatMap(\.values)
            #expect(batches == [1, 1, 1, 1, 1], "a batch for each commit of one event")
            #expect(metrics.timers(label: "daybook.queue.wait").flatMap(\.values).count == 5)
            #expect(metrics.timers(label: "daybook.queue.wait").flatMap(\.values).allSatisfy { $0 >= 0 })
        }
    }

    @Test("lost races are counted, and every attempt that follows; commits are counted once")
    func races() async throws {
        let metrics = TestMetrics()
        let counts = Counts(metrics: metrics)
        try await withTestStore(configure: { $0.metricsFactory = metrics }) { store in
            let tallies = store.repository(Tally.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...12 { group.addTask { try await tallies.execute(.deposit(1), on: "a") } }
                try await group.waitForAll()
            }
            #expect(counts("commits") == 12)
            #expect(counts("events.appended") == 12)
            #expect(counts("conflicts") > 0)
            #expect(counts("retries") == counts("conflicts"))
            #expect(counts("loads") == 12 + counts("retries"))
            #expect(counts.times("execute") == 12)
            let sent = metrics.recorders(label: "daybook.batch.size").flatMap(\.values).reduce(0, +)
            #expect(Int64(sent) == 12 + counts("conflicts"))
        }
    }
}
