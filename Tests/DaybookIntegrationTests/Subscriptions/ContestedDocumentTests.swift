@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import SampleAggregates
import Testing

@Suite("A document that others change too", .serialized, .timeLimit(.minutes(5)))
struct ContestedDocumentTests {
    @Test("does not hold up a long transaction for ever: that is divided until it is short enough")
    func divided() async throws {
        try await withArrivals { store in
            try await store.deposit(40, on: 40)
            try await runUntilPosted(store)
            try await store.deposit(400, on: 40)
            // One transaction with all of them takes 0.8 s at least.
            Arrivals.delay = 1_000
            defer { Arrivals.delay = 0 }
            let rival = Task {
                var turn: Int32 = 0
                while !Task.isCancelled {
                    turn += 1
                    for group in 0..<10 {
                        try await store.raw.update(
                            ["_id": .string("group-\(group)")], with: ["$set": ["turn": .int32(turn)]],
                            in: "views.arrivals")
                    }
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
            let isPosted = try await running(store) { _ in try await store.isPosted(within: .seconds(60)) }
            rival.cancel()
            _ = await rival.result
            #expect(isPosted)
            try await store.expectExactArrivals()
        }
    }

    @Test("leaves the position where it was, when a process gives its partitions up between two transactions")
    func givenUp() async throws {
        try await withArrivals { store in
            try await store.deposit(20, on: 4)
            let storage = SubscriptionStorage(Arrivals.name, in: store.database)
            let leases = try await store.client.withConnection(.single) { connection in
                var leases: [Int: Lease] = [:]
                for partition in 0..<8 {
                    leases[partition] = try Lease.acquire(
                        storage.partitionName(partition), holder: "test", in: store.database, on: connection)
                }
                return leases
            }
            let progress = try await store.client.withConnection(.single) {
                try PartitionProgress.claim(leases, of: 8, in: storage, on: $0).progress
            }
            let delivery = PostedDelivery(
                store: store, name: Arrivals.name, handler: ProjectionHandler<Arrivals>(), storage: storage,
                progress: progress, metrics: DeliveryMetrics(Arrivals.name, store.telemetry))
            let feed = JournalFeed(of: store.tail, wanting: FeedSelection(types: [Account.type]))
            var batch = try await feed.next()
            while batch.events.isEmpty { batch = try await feed.next() }
            try #require(batch.events.count == 20)

            func posted() async throws -> Int64 {
                try await store.raw.documents(in: "daybook.postings.arrivals").reduce(0) {
                    $0 + ($1.integer(at: "version") ?? 0)
                }
            }
            func positions() async throws -> Int {
                try await store.raw.documents(in: "daybook.checkpoints").count { $0["position"] != nil }
            }
            delivery.limit.shrink(after: 6)
            try await delivery.deliver(batch.events, to: batch.position) { true }
            #expect(try await posted() == 3)
            #expect(try await positions() == 0)
            try await delivery.deliver(batch.events, to: batch.position)
            #expect(try await posted() == 20)
            // Those of the partitions that the last transaction is about; the others are earlier.
            #expect(try await positions() > 0)
        }
    }
}
