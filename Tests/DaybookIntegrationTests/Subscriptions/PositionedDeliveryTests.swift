import Daybook
import DaybookBSON
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("A handler of events", .serialized, .timeLimit(.minutes(5)))
struct PositionedDeliveryTests {
    private static let reason = SubscriptionAdministration.Reason(by: "anna", why: "the mend is deployed")

    private func withHandler(_ body: (DaybookStore, Handing) async throws -> Void) async throws {
        let handler = Handing()
        try await withTestStore(for: [Account.self], subscriptions: [.handler(handler)]) { store in
            try await body(store, handler)
        }
    }

    /// Checks that every event came, and none before the one before it.
    private func expectInOrder(_ handlers: [Handing], _ store: DaybookStore) async throws {
        let heads = try await store.amounts().mapValues(\.count)
        var versions: [String: [Int64]] = [:]
        for handler in handlers { versions.merge(handler.versions) { $0 + $1 } }
        #expect(Set(versions.keys) == Set(heads.keys))
        for (key, versions) in versions {
            #expect(Set(versions).count == heads[key], "\(key): \(versions)")
            var reached: Int64 = 0
            for version in versions {
                #expect(version <= reached + 1, "\(key): \(versions)")
                reached = max(reached, version)
            }
        }
    }

    @Test("gets each event at least once and in order, beside writers, and resumes where it was")
    func resumes() async throws {
        try await withHandler { store, handler in
            try await store.deposit(3_000, on: 30)
            try await running(store) { _ in
                try await store.besideWriters(on: 30) {
                    let hasCome = await eventually("the first have come") { handler.count >= 3_000 }
                    #expect(hasCome)
                }
                #expect(try await store.isPosted(handler.name))
            }
            try await expectInOrder([handler], store)
            let before = handler.count
            try await running(store) { _ in
                try await store.deposit(60, on: 30)
                let hasCome = await eventually("the new ones have come") { handler.count >= before + 60 }
                #expect(hasCome)
            }
            // The first ones do not come again.
            #expect(handler.count < before + 1_000)
            try await expectInOrder([handler], store)
        }
    }

    @Test("whose aggregate fails again and again is parked, others go on, and a retry drains it in order")
    func parks() async throws {
        try await withHandler { store, handler in
            try await store.deposit(50, on: 10)
            handler.failing = ["k-3"]
            try await running(store) { runner in
                #expect(try await store.isPosted(handler.name, parked: 1))
                let letter = try #require(try await store.subscriptions.deadLetters().first)
                #expect(letter.aggregateID == "account/k-3" && letter.version == 1 && letter.attempts == 4)
                #expect(handler.versions.count == 9 && handler.versions["k-3"] == nil)
                let isReported = await eventually("it is a fault") { await !runner.health().isHealthy }
                #expect(isReported)
                try await store.deposit(20, on: 10)
                let hasCome = await eventually("the others go on") { handler.versions["k-4"]?.count == 7 }
                #expect(hasCome)
                #expect(handler.versions["k-3"] == nil)

                handler.failing = []
                try await store.subscriptions.retry(try letter.aggregate, in: handler.name, Self.reason)
                let isDrained = await eventually("it is drained") { handler.versions["k-3"]?.count ?? 0 >= 7 }
                #expect(isDrained)
                try await store.deposit(10, on: 10)
                let goesOn = await eventually("it goes on") { handler.versions["k-3"]?.last == 8 }
                #expect(goesOn)
                #expect(try await store.isPosted(handler.name))
                #expect(try await store.subscriptions.deadLetters().isEmpty)
            }
            try await expectInOrder([handler], store)
        }
    }

    @Test("that two processes have is called by one at a time; after that one's end the other resumes where it was")
    func handedOver() async throws {
        try await withHandler { store, first in
            let second = Handing()
            try await store.deposit(50, on: 10)
            let runner = try DaybookStore(
                store.configuration, aggregates: store.aggregates, subscriptions: store.ownSubscriptions)
            let run = Task { try await runner.run() }
            #expect(try await store.isPosted(first.name))
            first.failing = ["k-3"]
            try await running(store, [.handler(second)]) { _ in
                try await store.deposit(10, on: 10)
                #expect(try await store.isPosted(first.name, parked: 1))
                #expect(second.count == 0)
                run.cancel()
                try? await run.value
                try await store.deposit(10, on: 10)
                let hasCome = await eventually("the other resumes") { second.versions["k-4"]?.contains(7) ?? false }
                #expect(hasCome)
                // It knows which aggregates are parked.
                #expect(second.versions["k-3"] == nil)
                let letter = try #require(try await store.subscriptions.deadLetters().first)
                try await store.subscriptions.retry(try letter.aggregate, in: first.name, Self.reason)
                let isDrained = await eventually("it is drained") { second.versions["k-3"] == [6, 7] }
                #expect(isDrained)
                #expect(try await store.isPosted(first.name))
            }
            try await expectInOrder([first, second], store)
            #expect(second.versions["k-4"].map { $0.count <= 2 } ?? false, "most does not come again")
        }
    }

    @Test("that is cancelled from within, though its service is not, gets the events again")
    func cancelled() async throws {
        final class Impatient: EventHandler {
            let name: SubscriptionName = "impatient"
            let aggregates: [any Aggregate.Type] = [Account.self]
            let attempts = Recorder<Int>()

            func handle(_ events: [StoredEvent]) async throws {
                attempts.record(events.count)
                if attempts.all.count == 1 { throw CancellationError() }
            }
        }
        let handler = Impatient()
        try await withTestStore(for: [Account.self], subscriptions: [.handler(handler)]) { store in
            try await store.deposit(3, on: 1)
            try await running(store) { _ in
                let isPosted = try await store.isPosted(handler.name)
                #expect(isPosted)
                #expect(handler.attempts.all.dropFirst().reduce(0, +) >= 3)
            }
        }
    }
}

extension DeadLetter {
    fileprivate var aggregate: AggregateID {
        get throws { try AggregateID(parsing: aggregateID) }
    }
}
