@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("Drift beside the lifecycle async", .serialized, .timeLimit(.minutes(3)))
struct AsyncDriftTests {
    private func fill(_ store: DaybookStore) async throws -> Repository<Tally> {
        let tallies = store.repository(Tally.self)
        try await tallies.execute(.depositEach([10, 20]), on: "a", commandID: "c")
        try await tallies.execute(.withdraw(5), on: "a")
        try await tallies.execute(.depositEach([1, 2]), on: "a")
        await store.poster.drain()
        #expect(try await store.isCaughtUp("a", Tally.self))
        return tallies
    }

    @Test(
        "G6: loads and commands are right beside any drift, and the next commit's snapshot heals it",
        arguments: Drift.allCases)
    func drift(_ drift: Drift) async throws {
        try await withTestStore { store in
            let tallies = try await fill(store)
            let folded = try await tallies.load("a", at: .version(5))
            #expect(folded.state == Tally(balance: 28, entries: 5))
            try await drift.apply(to: store, of: Tally.self)
            #expect(try await tallies.load("a") == folded)
            #expect(try await store.transaction { try await $0.load("a", of: Tally.self) } == folded)
            let repeated = try await tallies.execute(.depositEach([10, 20]), on: "a", commandID: "c")
            #expect(repeated?.versions == 1...2)
            #expect(try await tallies.execute(.withdraw(28), on: "a", expecting: 5)?.versions == 6...6)
            await store.poster.drain()
            #expect(try await store.isCaughtUp("a", Tally.self))
            #expect(try await tallies.query(where: \.balance == 0).reduce(0) { count, _ in count + 1 } == 1)
            #expect(try await tallies.load("a").state == Tally(balance: 0, entries: 6))
            try await expectWholeJournal(store)
        }
    }

    @Test(
        "G6: commits of several events and transactions are right beside any drift of an async aggregate",
        arguments: [Drift.deleted, .stateEdited, .ahead, .behind, .outdated, .versionText, .ofAnotherAggregate])
    func severalEvents(_ drift: Drift) async throws {
        try await withTestStore { store in
            let tallies = try await fill(store)
            try await drift.apply(to: store, of: Tally.self)
            #expect(try await tallies.execute(.depositEach([1, 1]), on: "a")?.versions == 6...7)
            await store.poster.drain()
            #expect(try await store.isCaughtUp("a", Tally.self))
            try await drift.apply(to: store, of: Tally.self)
            try await store.transaction { transaction in
                try await transaction.execute(.depositEach([1, 1]), on: "a", of: Tally.self)
                try await transaction.execute(.withdraw(32), on: "a", of: Tally.self)
            }
            await store.poster.drain()
            #expect(try await store.isCaughtUp("a", Tally.self))
            #expect(try await tallies.load("a").state == Tally(balance: 0, entries: 10))
            try await expectWholeJournal(store)
        }
    }

    @Test("G6: a snapshot without events is nothing, and the first commit's takes its place")
    func orphan() async throws {
        try await withTestStore { store in
            let tallies = store.repository(Tally.self)
            try await forge(store, of: Tally.self) { stored in
                stored.version = 3
                stored.state = ["balance": 1_000, "entries": 3]
            }
            #expect(try await tallies.load("a").version == 0)
            await #expect(throws: Account.Rejection.insufficient(balance: 0)) {
                try await tallies.execute(.withdraw(1), on: "a")
            }
            #expect(try await tallies.execute(.deposit(4), on: "a")?.version == 1)
            await store.poster.drain()
            #expect(try await store.isCaughtUp("a", Tally.self))
        }
    }

    @Test("G10: a snapshot of a newer schema is not changed by a byte, and loads, queries and writes continue")
    func newerSchema() async throws {
        try await withTestStore { store in
            let tallies = try await fill(store)
            try await forge(store, of: Tally.self) { stored in
                stored.stateSchema = 2
                stored.state = ["money": ["amount": 28, "currency": "EUR"]]
            }
            let newer = try await store.snapshot("a", Tally.self)
            #expect(try await tallies.load("a").state == Tally(balance: 28, entries: 5))
            #expect(try await tallies.execute(.deposit(2), on: "a")?.version == 6)
            #expect(try await tallies.execute(.depositEach([1, 1]), on: "a")?.version == 8)
            try await store.transaction { try await $0.execute(.deposit(3), on: "a", of: Tally.self) }
            await store.poster.drain()
            #expect(try await store.snapshot("a", Tally.self) == newer)
            #expect(try await tallies.load("a").state == Tally(balance: 35, entries: 9))
            let queried = try await tallies.query().reduce(into: []) { $0.append($1.state) }
            #expect(queried == [Tally(balance: 35, entries: 9)], "a query folds what it cannot read")
        }
    }

    private func expectWholeJournal(_ store: DaybookStore) async throws {
        let audit = try await JournalAudit(store.raw, of: "tally", hasSnapshots: false)
        #expect(audit.faults.isEmpty, "\(audit.faults)")
    }
}
