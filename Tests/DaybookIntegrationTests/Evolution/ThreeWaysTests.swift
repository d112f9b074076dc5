@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import TestSupport
import Testing

@Suite("Folded three ways", .timeLimit(.minutes(4)))
struct ThreeWaysTests {
    static let cases: [(Lifecycle, UInt64)] = [(.inline, 1), (.async, 2), (.inline, 3), (.async, 4)]

    @Test(
        "G6: the writer's snapshot, a load and a replay have the same bytes, whatever the events hold",
        arguments: cases.indices)
    func bytes(index: Int) async throws {
        let (lifecycle, seed) = Self.cases[index]
        try await threeWays(lifecycle.keeping, seed)
    }

    private func threeWays<K: Keeping>(_ kept: K.Type, _ seed: UInt64) async throws {
        try await withTestStore { store in
            try await store.prepare(for: Herbarium<K>.self)
            let herbaria = store.repository(Herbarium<K>.self)
            var generator = SeededGenerator(seed: seed)
            for _ in 0..<20 {
                let events = Herbarium<K>.events(using: &generator)
                if Bool.random(using: &generator) {
                    try await herbaria.execute(.record(events), on: "h")
                } else {
                    // Behind events of the same transaction, the state was not decoded in between.
                    try await store.transaction { transaction in
                        for event in events {
                            try await transaction.execute(.record([event]), on: "h", of: Herbarium<K>.self)
                        }
                    }
                }
                await store.poster.drain()
                let stored = try #require(try await store.raw.document(in: "snapshots.herbarium", id: "herbarium/h"))
                let loaded = try await herbaria.load("h")
                let replayed = try await herbaria.load("h", at: .version(loaded.version))
                #expect(stored.integer(at: "version") == loaded.version)
                let bytes = try BSONEncoder().encode(replayed.state)
                #expect(stored["state"] == .document(bytes), "the snapshot at version \(loaded.version)")
                #expect(try BSONEncoder().encode(loaded.state) == bytes, "the load at version \(loaded.version)")
            }
        }
    }

    @Test(
        "an aggregate of 10,000 events is loaded, its history is read, and its versions are loaded",
        .timeLimit(.minutes(3)))
    func tenThousand() async throws {
        try await withTestStore { store in
            try await store.initialize(Tally.self)
            try await fill(store.repository(Account.self))
            try await fill(store.repository(Tally.self))
        }
    }

    private func fill<L: Ledger>(_ ledgers: Repository<L>) async throws {
        let (count, size) = (10_000, 500)
        var commits: [Commit] = []
        for first in stride(from: 1, through: count, by: size) {
            let events = (first..<first + size).map { Account.Event.deposited(amount: $0) }
            commits.append(try #require(try await ledgers.append(events, to: "a", expecting: Int64(first - 1))))
        }
        func sum(_ version: Int) -> Int { version * (version + 1) / 2 }
        let start = ContinuousClock.now
        let loaded = try await ledgers.load("a")
        #expect(loaded.version == Int64(count) && loaded.state.balance == sum(count) && loaded.state.entries == count)
        for version in [1, 499, 500, 501, 7_777, 10_000] {
            let then = try await ledgers.load("a", at: .version(Int64(version)))
            #expect(then.version == Int64(version) && then.state.balance == sum(version))
        }
        for commit in [commits[0], commits[9], commits[19]] {
            #expect(try await ledgers.load("a", at: .date(commit.recordedAt)).version >= commit.version)
        }
        var told = 0
        for try await event in try ledgers.history("a") {
            told += 1
            guard case .event(.deposited(let amount)) = event.body, amount == told, event.version == Int64(told) else {
                Issue.record("event \(told) is \(event)")
                break
            }
        }
        #expect(told == count)
        await ledgers.store.poster.drain()
        try await ledgers.store.raw.delete(["_id": .string(loaded.id.rawValue)], from: L.snapshotCollection)
        #expect(try await ledgers.load("a") == loaded)
        #expect(try await ledgers.execute(.withdraw(1), on: "a")?.version == Int64(count + 1))
        #expect(try await ledgers.load("a").state.balance == sum(count) - 1)
        #expect(try await ledgers.store.participants(of: commits[3].id).map(\.versions) == [1_501...2_000])
        // Ten times what it takes on a small machine.
        #expect(ContinuousClock.now - start < .seconds(60))
    }
}
