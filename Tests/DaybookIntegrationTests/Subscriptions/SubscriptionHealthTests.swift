@testable import Daybook
import DaybookBSON
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Synchronization
import Testing

/// Hands events over to a test, which can hold it up and make it fail.
final class Handing: EventHandler {
    private struct State {
        var isHeld = false
        var failing: Set<String> = []
        var handed: [(key: String, version: Int64)] = []
    }

    struct Failure: Error {}

    let name: SubscriptionName
    let aggregates: [any Aggregate.Type] = [Account.self]
    private let state = Mutex(State())

    init(_ name: SubscriptionName = "handing") { self.name = name }

    var isHeld: Bool {
        get { state.withLock { $0.isHeld } }
        set { state.withLock { $0.isHeld = newValue } }
    }

    /// The keys whose events it cannot handle.
    var failing: Set<String> {
        get { state.withLock { $0.failing } }
        set { state.withLock { $0.failing = newValue } }
    }

    /// The versions that came of each key, in order.
    var versions: [String: [Int64]] {
        state.withLock { Dictionary(grouping: $0.handed, by: \.key).mapValues { $0.map(\.version) } }
    }

    var count: Int { state.withLock { $0.handed.count } }

    func handle(_ events: [StoredEvent]) async throws {
        while isHeld { try await Task.sleep(for: .milliseconds(5)) }
        try state.withLock { state in
            if events.contains(where: { state.failing.contains($0.aggregateID.key) }) { throw Failure() }
            state.handed += events.map { ($0.aggregateID.key, $0.version) }
        }
    }
}

@Suite("The health of a store with subscriptions", .serialized, .timeLimit(.minutes(2)))
struct SubscriptionHealthTests {
    @Test("says that a handler is held up, as the lag does, and that it recovers")
    func heldUp() async throws {
        let handler = Handing()
        var subscription = Subscription.handler(handler)
        subscription.monitor = DeliveryMonitor(handler.name, patience: .milliseconds(500))
        try await withTestStore(for: [Account.self], subscriptions: [subscription]) { store in
            try await running(store) { runner in
                try await store.deposit(10, on: 2)
                #expect(try await store.isPosted(handler.name))
                #expect(await runner.health().isHealthy)
                handler.isHeld = true
                try await store.deposit(10, on: 2)
                let isFault = await eventually("it is a fault") { await !runner.health().isHealthy }
                #expect(isFault)
                let health = await runner.health()
                #expect(health.isAvailable && health.faults.map(\.part) == ["subscription"])
                #expect(health.faults.first?.subscription == handler.name.rawValue)
                let held = try await store.subscriptions.show(handler.name)
                #expect(held.behind == 2 && held.lagSeconds >= 0.5, "\(held.behind), \(held.lagSeconds)")

                handler.isHeld = false
                let isWell = await eventually("it recovers") { await runner.health().isHealthy }
                #expect(isWell)
                #expect(try await store.isPosted(handler.name))
                #expect(try await store.subscriptions.show(handler.name).lagSeconds == 0)
            }
        }
    }

    @Test("says that the delivery fails, again and again, though it begins anew each time")
    func failing() async throws {
        var subscription = Subscription.projection(Arrivals.self)
        subscription.monitor = DeliveryMonitor(Arrivals.name, patience: .seconds(4))
        try await withTestStore(for: [Account.self], subscriptions: [subscription]) { store in
            try await running(store, [subscription]) { runner in
                try await store.deposit(10, on: 2)
                #expect(try await store.isPosted())
                #expect(await runner.health().isHealthy)
                let record = try #require(try await store.raw.document(in: "daybook.subscriptions", id: "arrivals"))
                try await store.raw.put(["_id": "arrivals", "kind": 7], into: "daybook.subscriptions")
                let isFault = await eventually("it is a fault") { await !runner.health().isHealthy }
                #expect(isFault)
                try await store.raw.put(record, into: "daybook.subscriptions")
                let isWell = await eventually("it recovers") { await runner.health().isHealthy }
                #expect(isWell)
            }
        }
    }

    @Test("says within two seconds that the server cannot be reached, from the start or since a while")
    func unreachable() async throws {
        func check(_ store: DaybookStore) async {
            let start = ContinuousClock.now
            let health = await store.health()
            #expect(!health.isHealthy && !health.isAvailable)
            #expect(ContinuousClock.now - start < .milliseconds(2_500))
        }
        let port = try closedPort()
        try await withDaybook(DaybookConfiguration(uri: "mongodb://127.0.0.1:\(port)/nothing")) { await check($0) }
        try await withDriverFixture { fixture in
            try await fixture.withProxy { proxy in
                let configuration = DaybookConfiguration(
                    uri: try fixture.uri(through: proxy), database: fixture.database)
                try await withDaybook(configuration) { store in
                    #expect(await store.health().isHealthy)
                    // It takes what it is sent, and is silent.
                    proxy.fail("hello", .hold, times: .max)
                    await check(store)
                    proxy.heal()
                    await proxy.release()
                    proxy.close()
                    await check(store)
                }
            }
        }
    }
}
