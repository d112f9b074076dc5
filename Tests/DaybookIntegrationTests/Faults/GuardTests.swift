import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// What a transaction guards is as it was read when the transaction commits.
@Suite("A guard", .timeLimit(.minutes(2)))
struct GuardTests {
    private struct PremiseGone: Error {}

    private func withStore<R: Sendable>(_ body: (DaybookStore, DriverFixture) async throws -> R) async throws -> R {
        try await withDriverFixture { fixture in
            try await withDaybook(DaybookConfiguration(uri: try fixture.uri(), database: fixture.database)) { store in
                try await store.initialize(Account.self)
                return try await body(store, fixture)
            }
        }
    }

    /// Takes 60 from `mine` if both accounts together have 100 at least, as the first transaction of both sees it.
    ///
    /// Both transactions have read before either writes, whatever the scheduling: the first run of each waits for the
    /// other's.
    private func withdraw(
        from mine: String, watching other: String, in store: DaybookStore, meeting gate: Gate
    ) async throws -> Bool {
        let runs = Runs()
        do {
            try await store.transaction { transaction in
                let seen = try await transaction.guard(other, of: Account.self).state.balance
                let own = try await transaction.load(mine, of: Account.self).state.balance
                if await runs.next() == 1 { await gate.pass() }
                guard own + seen >= 100 else { throw PremiseGone() }
                try await transaction.execute(.withdraw(60), on: mine, of: Account.self)
            }
            return true
        } catch is PremiseGone {
            return false
        }
    }

    @Test(
        "guards prevent two transactions that each read what the other writes from both committing (write skew)",
        arguments: 0..<5
    )
    func writeSkew(round: Int) async throws {
        try await withStore { store, fixture in
            // Together 120: after one withdrawal of 60 the premise of the other is gone.
            try await store.repository(Account.self).execute(.deposit(60), on: "a")
            try await store.repository(Account.self).execute(.deposit(60), on: "b")
            let gate = Gate(waitingFor: 2)
            async let first = withdraw(from: "a", watching: "b", in: store, meeting: gate)
            async let second = withdraw(from: "b", watching: "a", in: store, meeting: gate)
            let outcomes = try await [first, second]
            #expect(outcomes.count { $0 } == 1)
            #expect(try await fixture.journal().count == 3)
        }
    }

    @Test("a guard of an aggregate without events keeps its first commit out", arguments: 0..<5)
    func neverSeen(round: Int) async throws {
        try await withStore { store, fixture in
            let gate = Gate(waitingFor: 2)
            let runs = Runs()
            async let guarded: Int64 = store.transaction { transaction in
                let version = try await transaction.guard("new", of: Account.self).version
                if await runs.next() == 1 {
                    await gate.pass()
                    // The rival has committed.
                    await gate.pass()
                }
                try await transaction.execute(.deposit(Int(version) + 1), on: "decided", of: Account.self)
                return version
            }
            await gate.pass()
            try await store.repository(Account.self).execute(.deposit(7), on: "new")
            await gate.pass()
            // It lost, ran again, and decided on what it saw then.
            #expect(try await guarded == 1)
            #expect(await runs.count == 2)
            try await expectDeposits([7], on: "new", fixture)
            try await expectDeposits([2], on: "decided", fixture)
        }
    }

    @Test("a guard of an aggregate without events leaves nothing of it stored")
    func leavesNothing() async throws {
        try await withStore { store, fixture in
            try await store.transaction { transaction in
                #expect(try await transaction.guard("new", of: Account.self).version == 0)
                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
            }
            #expect(try await fixture.ids(in: "snapshots.account") == ["account/a"])
            try await store.repository(Account.self).execute(.deposit(7), on: "new")
            try await expectDeposits([7], on: "new", fixture)
        }
    }

    @Test("a guard changes neither the version nor the trust of its aggregate, and does not stop its next commit")
    func snapshot() async throws {
        try await withStore { store, fixture in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(5), on: "watched")
            for _ in 0..<3 {
                try await store.transaction { transaction in
                    #expect(try await transaction.guard("watched", of: Account.self).state.balance == 5)
                    try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                }
            }
            #expect(try await accounts.load("watched").version == 1)
            try await accounts.execute(.deposit(6), on: "watched")
            try await expectDeposits([5, 6], on: "watched", fixture)
            try await expectDeposits([1, 1, 1], on: "a", fixture)
            let open = try await accounts.query(where: \.balance == 11).reduce(into: [String]()) {
                $0.append($1.id.rawValue)
            }
            #expect(open == ["account/watched"])
        }
    }

    @Test("a guard inserts the snapshot where none is stored, as its commit would have written it")
    func missingSnapshot() async throws {
        try await withStore { store, fixture in
            try await store.repository(Account.self).execute(.deposit(5), on: "watched")
            let before = try await fixture.documents(in: "snapshots.account")
            _ = try await fixture.run(["delete": "snapshots.account", "deletes": [["q": [:], "limit": .int32(0)]]])
            try await store.transaction { transaction in
                try await transaction.guard("watched", of: Account.self)
                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
            }
            let after = try await fixture.documents(in: "snapshots.account").filter { $0["_id"] == "account/watched" }
            #expect(after.first?["digest"] == before.first?["digest"])
            #expect(after.first?["state"] == before.first?["state"])
        }
    }

    @Test(
        "a guard and a command on the same aggregate, in either order, are one change of it", arguments: [true, false])
    func guardAndExecute(guardFirst: Bool) async throws {
        try await withStore { store, fixture in
            try await store.repository(Account.self).execute(.deposit(5), on: "a")
            try await store.transaction { transaction in
                if guardFirst { try await transaction.guard("a", of: Account.self) }
                try await transaction.execute(.deposit(6), on: "a", of: Account.self)
                if !guardFirst { #expect(try await transaction.guard("a", of: Account.self).state.balance == 11) }
            }
            try await expectDeposits([5, 6], fixture)
        }
    }

    @Test("a guard without a command writes nothing")
    func alone() async throws {
        try await withStore { store, fixture in
            try await store.repository(Account.self).execute(.deposit(5), on: "a")
            let before = try await fixture.documents(in: "snapshots.account")
            try await store.transaction { transaction in _ = try await transaction.guard("a", of: Account.self) }
            #expect(try await fixture.documents(in: "snapshots.account") == before)
        }
    }

    @Test("a guard holds when the commit's reply is lost")
    func lostReply() async throws {
        try await withFaultyStore { store, proxy, fixture in
            proxy.fail("commitTransaction", .dropReply, times: 3)
            try await store.transaction { transaction in
                try await transaction.guard("a", of: Account.self)
                try await transaction.guard("never", of: Account.self)
                try await transaction.execute(.deposit(2), on: "b", of: Account.self)
            }
            #expect(proxy.faults == 3)
            try await expectDeposits([1], on: "a", fixture)
            try await expectDeposits([2], on: "b", fixture)
            try await expectDeposits([], on: "never", fixture)
        }
    }

    @Test("a guarded aggregate that changes before a lost commit is sent again makes the transaction decide again")
    func changesBeforeResend() async throws {
        try await withFaultyStore { store, proxy, fixture in
            let runs = Runs()
            // The server aborts the transaction, and its answer does not say so: all of it is sent again.
            proxy.fail("commitTransaction", .error(251, concern: 64, work: .abort))
            // The first sending has the events in a bulkWrite, together with the snapshot.
            proxy.fail("insert", .hold)
            let commit = Task {
                try await store.transaction { transaction in
                    let seen = try await transaction.guard("a", of: Account.self).version
                    _ = await runs.next()
                    try await transaction.execute(.deposit(Int(seen) * 10), on: "b", of: Account.self)
                }
            }
            #expect(await eventually("it is sent again") { proxy.held == 1 })
            try await withDaybook(DaybookConfiguration(uri: TestServer.uri, database: fixture.database)) { other in
                _ = try await other.repository(Account.self).execute(.deposit(4), on: "a")
            }
            await proxy.release()
            try await commit.value
            #expect(await runs.count == 2)
            try await expectDeposits([20], on: "b", fixture)
        }
    }
}

/// Counts the runs of a closure that may run again.
private actor Runs {
    private(set) var count = 0

    func next() -> Int {
        count += 1
        return count
    }
}
