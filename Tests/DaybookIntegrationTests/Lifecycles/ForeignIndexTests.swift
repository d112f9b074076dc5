@testable import Daybook
import DaybookBSON
import DaybookMongo
import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// An operator may add indexes to the snapshots; a unique one refuses what the journal would take.
@Suite("A unique index that is none of Daybook's", .timeLimit(.minutes(2)))
struct ForeignIndexTests {
    private func withUniqueBalances(of collection: String, _ body: (DaybookStore) async throws -> Void) async throws {
        try await withTestStore { store in
            _ = try await store.raw.write([
                "createIndexes": .string(collection),
                "indexes": [["name": "by_balance", "key": ["state.balance": 1, "state.entries": 1], "unique": true]],
            ])
            try await body(store)
        }
    }

    private func isTold(_ error: DaybookError?, _ collection: String) {
        #expect(error?.code == .foreignIndex)
        #expect(error?.message.contains("state.balance, state.entries") == true)
        #expect(error?.message.contains(collection) == true)
    }

    @Test(
        "a foreign unique index refuses an inline commit at once, and nothing of it is written; other commits continue")
    func inline() async throws {
        try await withUniqueBalances(of: "snapshots.account") { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(5), on: "a")
            let error = try await daybookError { try await accounts.execute(.deposit(5), on: "b") }
            isTold(error, "snapshots.account")
            #expect(error?.aggregateID == "account/b")
            #expect(try await accounts.load("b").version == 0)
            try await accounts.execute(.deposit(6), on: "b")
            // Also by a later commit, and in a transaction over several aggregates.
            let later = try await daybookError {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(1), on: "c", of: Account.self)
                    try await transaction.execute(.deposit(5), on: "d", of: Account.self)
                }
            }
            isTold(later, "snapshots.account")
            #expect(try await accounts.load("c").version == 0)
            #expect(try await accounts.load("b").state.balance == 6)
        }
    }

    @Test("an async commit takes effect, its snapshot lags, and waiting for it says why")
    func behindCommits() async throws {
        try await withUniqueBalances(of: "snapshots.tally") { store in
            let tallies = store.repository(Tally.self)
            try await tallies.execute(.deposit(5), on: "a")
            await store.poster.drain()
            let commit = try #require(try await tallies.execute(.deposit(5), on: "b"))
            let error = try await daybookError { try await tallies.waitForSnapshot(of: commit) }
            isTold(error, "snapshots.tally")
            #expect(error?.aggregateID == "tally/b")
            #expect(try await tallies.load("b").version == 1)
            // It is written as soon as the index lets it in.
            let next = try #require(try await tallies.execute(.deposit(1), on: "b"))
            try await tallies.waitForSnapshot(of: next)
            #expect(try await store.isCaughtUp("b", Tally.self))
        }
    }

    @Test("a foreign unique index on the journal refuses a single insert and a transaction alike")
    func journal() async throws {
        try await withTestStore { store in
            _ = try await store.raw.write([
                "createIndexes": "journal",
                "indexes": [["name": "one_actor", "key": ["meta.actor": 1, "version": 1], "unique": true]],
            ])
            let (accounts, tallies) = (store.repository(Account.self), store.repository(Tally.self))
            try await accounts.execute(.deposit(5), on: "a")
            let inline = try await daybookError { try await accounts.execute(.deposit(5), on: "b") }
            let single = try await daybookError { try await tallies.execute(.deposit(5), on: "b") }
            for error in [inline, single] {
                #expect(error?.code == .foreignIndex)
                #expect(error?.message.contains("meta.actor, version") == true)
            }
        }
    }

    @Test("doctor reports a foreign unique index with its fields, and no index that is not unique")
    func doctor() async throws {
        try await withUniqueBalances(of: "snapshots.account") { store in
            _ = try await store.raw.write([
                "createIndexes": "snapshots.account", "indexes": [["name": "by_entries", "key": ["state.entries": 1]]],
            ])
            let known = try DaybookStore(store.configuration, aggregates: [Account.self])
            let found = await known.diagnose().checks.filter { $0.name == "snapshots.account" && $0.level != .ok }
            #expect(found.count == 1, "\(found)")
            #expect(found.first?.level == .warning)
            #expect(found.first?.name == "snapshots.account")
            #expect(found.first?.detail.contains("\"by_balance\" over (state.balance, state.entries)") == true)
            await known.close()
        }
    }
}
