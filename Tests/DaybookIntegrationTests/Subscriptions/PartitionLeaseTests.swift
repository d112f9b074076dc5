@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("A subscription that several processes share", .serialized, .timeLimit(.minutes(5)))
struct PartitionLeaseTests {
    @Test("G15: a holder that lost its lease writes nothing, though it does not know it yet")
    func fenced() async throws {
        try await withArrivals { store in
            let storage = SubscriptionStorage(Arrivals.name, in: store.database)
            let name = storage.partitionName(3)
            func claim(_ holder: String) async throws -> PartitionProgress {
                let lease = try await store.client.withConnection(.single) {
                    try Lease.acquire(name, holder: holder, in: store.database, on: $0)
                }
                let held = try #require(lease)
                return try await store.client.withConnection(.single) {
                    try PartitionProgress.claim([3: held], of: 8, in: storage, on: $0).progress
                }
            }
            func write(_ progress: PartitionProgress, _ key: String) async throws {
                try await store.client.withConnection(.transaction) { connection in
                    try connection.beginTransaction()
                    try connection.insert([["_id": .string(key)]], into: storage.view)
                    try progress.save(nil, on: connection)
                    try connection.commitTransaction()
                }
            }
            let first = try await claim("first")
            try await write(first, "held")
            // Its time is over, and it has not looked at the clock.
            try await store.raw.update(
                ["_id": .string(name)], with: ["$set": ["expiresAt": .datetime(BSONDate(milliseconds: 0))]],
                in: "daybook.leases")
            let second = try await claim("second")
            await #expect(throws: PartitionsLost.self) { try await write(first, "lost") }
            await #expect(throws: PartitionsLost.self) {
                try await store.client.withConnection(.single) { try first.save(nil, on: $0) }
            }
            try await write(second, "new")
            #expect(
                try await store.raw.documents(in: "views.arrivals").compactMap { $0.string(at: "_id") }.sorted()
                    == ["held", "new"])

            // A swap ends the work of every holder in the same way.
            try await store.client.withConnection(.single) { try PartitionProgress.fence(0..<8, in: storage, on: $0) }
            await #expect(throws: PartitionsLost.self) { try await write(second, "fenced") }
        }
    }

    @Test("G15: one of three processes hangs in mid-batch for two lease times: its work is done by the others, once")
    func stopped() async throws {
        try await withArrivals { store in
            try await store.deposit(400, on: 40)
            try await store.besideWriters(on: 40, pausing: .milliseconds(20)) {
                var runners: [ChildProcess] = []
                for _ in 0..<3 { runners.append(try store.startRunner(delay: 400)) }
                #expect(try await isSpread(over: runners, in: store))
                let stopped = runners[0]
                // So that its output never fills up. What it says is open: its delivery may meet the new epoch first,
                // or the process may see first that its part has changed, which is no fault.
                let lines = Task { for await _ in stopped.lines {} }
                stopped.stop()
                let others = Array(runners[1...])
                #expect(try await isSpread(over: others, in: store), "within two lease times")
                // Two lease times in all: nothing else happens in the process until then.
                try await Task.sleep(for: Lease.duration)
                stopped.continue()
                #expect(try await isSpread(over: runners, in: store), "within two lease times")
                for other in others { try await store.kill(other) }
                #expect(try await isSpread(over: [stopped], in: store), "it goes on with the others' work")
                try await store.kill(stopped)
                await lines.value
            }
            let last = try store.startRunner()
            #expect(try await store.isPosted())
            try await store.kill(last)
            try await store.expectExactArrivals()
        }
    }

    /// Whether all eight partitions are held within two lease times, each process with two at least, none by another.
    private func isSpread(over runners: [ChildProcess], in store: DaybookStore) async throws -> Bool {
        var holders: [Int32: Int] = [:]
        let isSpread = try await eventually(
            "the partitions are spread", within: Lease.duration * 2, every: .milliseconds(250)
        ) {
            holders = try await store.holders()
            return holders.values.reduce(0, +) == 8 && Set(holders.keys) == Set(runners.map(\.id))
                && holders.values.allSatisfy { $0 >= 2 }
        }
        if !isSpread { Issue.record("\(holders) instead of \(runners.map(\.id))") }
        return isSpread
    }
}
