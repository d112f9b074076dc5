@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite(.serialized) struct SnapshotDriftTests {
    private func fill(_ accounts: Repository<Account>) async throws {
        try await accounts.execute(.depositEach([10, 20]), on: "a", commandID: "c")
        try await accounts.execute(.withdraw(5), on: "a")
        try await accounts.execute(.depositEach([1, 2]), on: "a")
    }

    @Test(
        "G6: a load equals folding the events, whatever the snapshot's state, and execute heals it",
        arguments: Drift.allCases)
    func loadAndExecute(beside drift: Drift) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await fill(accounts)
            let folded = try await accounts.load("a", at: .version(5))
            #expect(folded.state == Account(balance: 28, entries: 5))
            try await drift.apply(to: store)
            #expect(try await accounts.load("a") == folded)
            #expect(try await store.transaction { try await $0.load("a", of: Account.self) } == folded)
            let commit = try #require(try await accounts.execute(.withdraw(28), on: "a", expecting: 5))
            #expect(commit.versions == 6...6)
            try await expectHealed(store, version: 6, state: Account(balance: 0, entries: 6))
        }
    }

    @Test(
        "G6: a transaction works beside any drift, and puts the journal's truth in its place", arguments: Drift.allCases
    )
    func transaction(beside drift: Drift) async throws {
        try await withTestStore { store in
            try await fill(store.repository(Account.self))
            try await drift.apply(to: store)
            let version = try await store.transaction { transaction in
                try await transaction.execute(.depositEach([1, 1]), on: "a", of: Account.self)
                return try await transaction.execute(.withdraw(30), on: "a", of: Account.self)
            }
            #expect(version == 8)
            try await expectHealed(store, version: 8, state: Account(balance: 0, entries: 8))
        }
    }

    @Test(
        "G6: a repeated command returns its commit beside any drift",
        arguments: [Drift.deleted, .ahead, .versionText, .outdated])
    func repeatedCommand(beside drift: Drift) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await fill(accounts)
            try await drift.apply(to: store)
            let commit = try await accounts.execute(.depositEach([10, 20]), on: "a", commandID: "c")
            #expect(commit?.versions == 1...2)
        }
    }

    @Test("G6: a snapshot without events is nothing: the aggregate begins at version 1, and the orphan gives way")
    func orphan() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await forge(store) { stored in
                stored.version = 3
                stored.state = ["balance": 1_000, "entries": 3]
            }
            let loaded = try await accounts.load("a")
            #expect(loaded.version == 0)
            #expect(loaded.state == Account())
            await #expect(throws: Account.Rejection.insufficient(balance: 0)) {
                try await accounts.execute(.withdraw(1), on: "a")
            }
            #expect(try await accounts.execute(.deposit(4), on: "a")?.version == 1)
            try await expectHealed(store, version: 1, state: Account(balance: 4, entries: 1))
        }
    }

    @Test("G6: writers that race beside a drifted snapshot all commit", .timeLimit(.minutes(1)))
    func race() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await fill(accounts)
            for drift in [Drift.deleted, .stateEdited, .ahead] {
                let before = try await accounts.load("a")
                try await drift.apply(to: store)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 1...4 { group.addTask { try await accounts.execute(.deposit(1), on: "a") } }
                    try await group.waitForAll()
                }
                try await expectHealed(
                    store, version: before.version + 4,
                    state: Account(balance: before.state.balance + 4, entries: before.state.entries + 4))
            }
        }
    }

    @Test("G10: a snapshot of a newer schema is not changed, and loads and writes continue")
    func newerSchema() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await fill(accounts)
            try await forge(store) { stored in
                stored.stateSchema = 2
                stored.state = ["money": ["amount": 28, "currency": "EUR"]]
            }
            let newer = try await store.raw.document(in: "snapshots.account", id: "account/a")
            #expect(try await accounts.load("a").state == Account(balance: 28, entries: 5))
            #expect(try await accounts.execute(.deposit(2), on: "a")?.version == 6)
            try await store.transaction { try await $0.execute(.deposit(3), on: "a", of: Account.self) }
            #expect(try await accounts.load("a").state == Account(balance: 33, entries: 7))
            // But for the field by which commits on one aggregate meet.
            #expect(
                try await store.raw.document(in: "snapshots.account", id: "account/a")?.setting("lock", to: nil)
                    == newer)
            #expect(try await store.raw.documents(in: "journal").count == 7)
        }
    }

    /// The stored snapshot is genuine, and byte for byte what a fold of the journal gives.
    private func expectHealed(_ store: DaybookStore, version: Int64, state: Account) async throws {
        let accounts = store.repository(Account.self)
        let folded = try await accounts.load("a", at: .version(version))
        #expect(folded.state == state)
        let stored = try #require(try await store.raw.document(in: "snapshots.account", id: "account/a"))
        #expect(stored.integer(at: "version") == version)
        #expect(stored["state"] == .document(try BSONEncoder().encode(state)))
        #expect(stored["stateSchema"] == .int32(1))
        #expect(stored["createdAt"] == .datetime(try BSONDate(try #require(folded.createdAt))))
        #expect(stored["updatedAt"] == .datetime(try BSONDate(try #require(folded.updatedAt))))
        #expect(stored["note"] == nil)
        let isGenuine = try stored.withBorrowed { try BorrowedSnapshot($0).isGenuine(for: folded.id) }
        #expect(isGenuine)
        #expect(try await accounts.load("a") == folded)
        let audit = try await JournalAudit(store.raw)
        #expect(audit.faults.isEmpty, "\(audit.faults)")
    }
}
