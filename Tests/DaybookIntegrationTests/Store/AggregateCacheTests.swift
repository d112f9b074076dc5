@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("Commands on aggregates that the store has in memory", .timeLimit(.minutes(2)))
struct AggregateCacheTests {
    @Test("an async one is one round trip, and an inline one reads nothing; a load asks the journal alone")
    func trips() async throws {
        try await withFaultyTallies { store, proxy, _ in
            let (accounts, tallies) = (store.repository(Account.self), store.repository(Tally.self))
            try await accounts.execute(.deposit(1), on: "i")
            proxy.forget()
            try await tallies.execute(.deposit(2), on: "a")
            // The snapshot goes its own way meanwhile, maybe on a new connection.
            let ofSnapshot = ["update", "hello", "saslStart", "saslContinue"]
            #expect(proxy.exchanges.map(\.command).filter { !ofSnapshot.contains($0) } == ["insert"])
            await store.poster.drain()
            proxy.forget()
            try await accounts.execute(.deposit(2), on: "i")
            #expect(proxy.exchanges.map(\.command) == ["bulkWrite", "commitTransaction"])
            proxy.forget()
            #expect(try await accounts.load("i").state.balance == 3)
            #expect(try await tallies.load("a").state.balance == 3)
            #expect(proxy.exchanges.map(\.command) == ["find", "find"])
        }
    }

    @Test("an inline commit that is too large for one command is an insert and an update, and is whole")
    func large() async throws {
        try await withFaultyStore { store, proxy, _ in
            try await store.initialize(Notebook.self)
            let notebooks = store.repository(Notebook.self)
            try await notebooks.execute(.write("small"), on: "n")
            proxy.forget()
            try await notebooks.execute(.write(String(repeating: "x", count: 5_000_000)), on: "n")
            #expect(
                proxy.exchanges.map(\.command).filter(["bulkWrite", "insert", "update"].contains) == [
                    "insert", "update",
                ])
            proxy.forget()
            // Small events do not help where the state is large.
            try await notebooks.execute(.write("small"), on: "n")
            #expect(
                proxy.exchanges.map(\.command).filter(["bulkWrite", "insert", "update"].contains) == [
                    "insert", "update",
                ])
            #expect(try await notebooks.load("n").state.text.utf8.count == 5_000_010)
            #expect(try await store.isCaughtUp("n", Notebook.self))
        }
    }

    @Test(
        "a loaded aggregate is cached: the next load reads only the journal, and a command reads nothing"
    )
    func loads() async throws {
        try await withFaultyTallies { store, proxy, _ in
            let (accounts, tallies, meters) = (
                store.repository(Account.self), store.repository(Tally.self), store.repository(Meter.self)
            )
            try await meters.execute(.deposit(1), on: "m")
            try await withOther(store) { other in
                try await other.repository(Account.self).execute(.deposit(1), on: "i")
                try await other.repository(Tally.self).execute(.deposit(1), on: "t")
                try await other.repository(Meter.self).execute(.deposit(1), on: "l")
            }
            proxy.forget()
            for finds in [(2, 2, 1), (1, 1, 1)] {
                proxy.forget()
                #expect(try await accounts.load("i").state.balance == 1)
                #expect(proxy.count("find") == finds.0)
                #expect(try await tallies.load("t").state.balance == 1)
                #expect(proxy.count("find") == finds.0 + finds.1)
                #expect(try await meters.load("l").state.balance == 1)
                #expect(proxy.count("find") == finds.0 + finds.1 + finds.2)
            }
            proxy.forget()
            try await accounts.execute(.deposit(2), on: "i")
            try await tallies.execute(.deposit(2), on: "t")
            try await meters.execute(.deposit(2), on: "l")
            #expect(proxy.count("find") == 0)
            for _ in 1...2 {
                proxy.forget()
                #expect(try await accounts.load("nobody").version == 0)
                #expect(proxy.count("find") == 2)
            }
            await store.poster.drain()
            #expect(try await store.isCaughtUp("t", Tally.self))
            #expect(try await accounts.load("i").state.balance == 3)
        }
    }

    @Test("a snapshot that was not believed is not relied on later either")
    func unbelieved() async throws {
        try await withTestStore { store in
            try await withOther(store) { other in
                let (here, there) = (store.repository(Account.self), other.repository(Account.self))
                try await here.execute(.deposit(1), on: "k")
                try await store.raw.update(
                    ["_id": "account/k"], with: ["$set": ["stateSchema": .int32(99)]], in: "snapshots.account")
                #expect(try await there.load("k").state.balance == 1)
                try await there.execute(.deposit(2), on: "k")
                #expect(try await there.load("k").state.balance == 3)
                let snapshot = try #require(try await store.raw.document(in: "snapshots.account", id: "account/k"))
                #expect(snapshot["stateSchema"] == .int32(99))
            }
        }
    }

    @Test(
        "commands on cached aggregates are decided as if nothing were cached while another process commits, in every lifecycle"
    )
    func otherWriters() async throws {
        try await withTestStore { store in
            try await withOther(store) { other in
                func alternate<A: Ledger>(_ aggregate: A.Type) async throws {
                    let (here, there) = (store.repository(A.self), other.repository(A.self))
                    for round in 1...5 {
                        try await here.execute(.deposit(1), on: "k")
                        try await there.execute(.deposit(1), on: "k")
                        // Here it looks as if only the half were there.
                        try await here.execute(.withdraw(2), on: "k")
                        #expect(try await here.load("k").state.balance == 0)
                        // And here as if it still were.
                        try await here.execute(.deposit(1), on: "k")
                        try await there.execute(.withdraw(1), on: "k")
                        await #expect(throws: Account.Rejection.self) { try await here.execute(.withdraw(1), on: "k") }
                        let loaded = try await here.load("k")
                        #expect(loaded.version == Int64(5 * round))
                        #expect(loaded == (try await there.load("k")))
                    }
                    let versions = try await here.history("k").reduce(into: []) { $0.append($1.version) }
                    #expect(versions == Array(1...25))
                }
                try await alternate(Account.self)
                try await alternate(Tally.self)
                try await alternate(Meter.self)
            }
        }
    }

    @Test("an expected version is compared with the journal's, because the cached one may lag")
    func expected() async throws {
        try await withTestStore { store in
            try await withOther(store) { other in
                let (here, there) = (store.repository(Tally.self), other.repository(Tally.self))
                try await here.execute(.deposit(1), on: "k")
                try await there.execute(.deposit(1), on: "k")
                try await here.execute(.deposit(1), on: "k", expecting: 2)
                try await there.execute(.deposit(1), on: "k")
                let error = try await daybookError { _ = try await here.execute(.deposit(1), on: "k", expecting: 3) }
                #expect(error?.code == .conflict)
                #expect(error?.version == 4)
            }
        }
    }

    @Test("a command that is repeated gets its first commit, also where its repetition would be refused")
    func repeated() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(1), on: "k")
            let first = try await accounts.execute(.withdraw(1), on: "k", commandID: "c")
            #expect(try await accounts.execute(.withdraw(1), on: "k", commandID: "c") == first)
            try await accounts.execute(.deposit(5), on: "k")
            #expect(try await accounts.execute(.withdraw(1), on: "k", commandID: "c") == first)
            let error = try await daybookError { _ = try await accounts.execute(.withdraw(2), on: "k", commandID: "c") }
            #expect(error?.code == .commandIDReused)
        }
    }

    @Test("a backup that is restored under a running program makes no gap where commits write their snapshot")
    func restored() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(1), on: "k")
            let backup = try #require(try await store.raw.document(in: "snapshots.account", id: "account/k"))
            try await accounts.execute(.deposit(2), on: "k")
            try await store.raw.delete(["aggregateId": "account/k", "version": 2], from: "journal")
            try await store.raw.put(backup, into: "snapshots.account")
            let commit = try await accounts.execute(.deposit(4), on: "k")
            #expect(commit?.version == 2)
            #expect(try await accounts.load("k").state.balance == 5)
        }
    }

    @Test("a live aggregate whose state cannot be encoded is committed to as any other; nothing of it is kept")
    func unencodable() async throws {
        try await withTestStore { store in
            let odometers = store.repository(Odometer.self)
            for version in 1...2 as ClosedRange<Int64> {
                let commit = try await odometers.execute(.drive, on: "o")
                #expect(commit?.version == version)
            }
            let loaded = try await odometers.load("o")
            #expect(loaded.state.distance == 2)
        }
    }

    @Test("a hand-made snapshot ahead of its journal is replaced by the next commit, although it was not read")
    func ahead() async throws {
        try await withTestStore { store in
            let tallies = store.repository(Tally.self)
            try await tallies.execute(.deposit(1), on: "k")
            await store.poster.drain()
            try await store.raw.update(
                ["_id": "tally/k"], with: ["$set": ["version": .int64(9)]], in: "snapshots.tally")
            try await tallies.execute(.deposit(1), on: "k")
            await store.poster.drain()
            let snapshot = try #require(try await store.raw.document(in: "snapshots.tally", id: "tally/k"))
            #expect(snapshot["version"] == 2)
            #expect(snapshot.value(at: "state.balance") == 2)
        }
    }

    /// Another store on the same database, as another process has one.
    private func withOther<R: Sendable>(_ store: DaybookStore, _ body: (DaybookStore) async throws -> R) async throws
        -> R
    {
        try await withDaybook(store.configuration, body)
    }
}
