@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// An account that has a snapshot only while there is money in it.
private typealias Purse = Book<PurseKind>

private enum PurseKind: BookKind {
    static var type: AggregateType { "purse" }
    static var lifecycle: Lifecycle { .inline }
    static var keepsEmpty: Bool { false }
}

/// The same, its snapshot written after its commits.
private typealias Till = Book<TillKind>

private enum TillKind: BookKind {
    static var type: AggregateType { "till" }
    static var lifecycle: Lifecycle { .async }
    static var keepsEmpty: Bool { false }
}

@Suite("A state that keeps no snapshot", .timeLimit(.minutes(2)))
struct SnapshotThatGoesTests {
    private static let aggregates: [any Aggregate.Type] = [Account.self, Purse.self, Till.self]

    /// - Parameter isOlderServer: Whether the server is taken for MongoDB 7.0, which has no `bulkWrite`.
    private func withStore<R: Sendable>(
        isOlderServer: Bool = false, _ body: (DaybookStore) async throws -> R
    ) async throws -> R {
        try await ReconcileFixture.withStore(for: Self.aggregates) { store in
            guard isOlderServer else { return try await body(store) }
            return try await ReconcileFixture.withWatched(on: store, for: Self.aggregates, maximumWireVersion: 21) {
                store, _ in
                try await body(store)
            }
        }
    }

    private func queried<A: Ledger>(_ aggregate: A.Type, in store: DaybookStore) async throws -> [String] {
        var keys: [String] = []
        for try await snapshot in store.repository(A.self).query() { keys.append(snapshot.id.key) }
        return keys
    }

    private func expectClean(_ store: DaybookStore) async throws {
        for depth in [VerifyDepth.full, .quick] {
            let report = try await store.verify(depth: depth)
            #expect(report.isClean, "\(report.kinds)")
        }
    }

    @Test(
        "a state that keeps no snapshot has none after its commit and a rebuild, until the next commit; load, history and command ids are unchanged",
        arguments: [false, true])
    func lifetime(isOlderServer: Bool) async throws {
        try await withStore(isOlderServer: isOlderServer) { store in
            let purses = store.repository(Purse.self)
            try await purses.execute(.deposit(5), on: "a")
            try await purses.execute(.deposit(7), on: "b")
            #expect(try await queried(Purse.self, in: store) == ["a", "b"])

            let emptied = try #require(try await purses.execute(.empty, on: "a", commandID: "c-1"))
            #expect(try await queried(Purse.self, in: store) == ["b"])
            #expect(try await ReconcileFixture.snapshots(of: Purse.self, in: store).keys.sorted() == ["purse/b"])
            let loaded = try await purses.load("a")
            #expect((loaded.version, loaded.state.balance, loaded.state.entries) == (2, 0, 2))
            #expect(try await purses.execute(.empty, on: "a", commandID: "c-1") == emptied)
            var versions: [Int64] = []
            for try await event in try purses.history("a") { versions.append(event.version) }
            #expect(versions == [1, 2])
            try await purses.waitForSnapshot(of: emptied)
            try await expectClean(store)

            for swap in [false, true] {
                #expect(try await store.rebuild(swap: swap).unrepaired == 0)
                #expect(try await queried(Purse.self, in: store) == ["b"])
                try await expectClean(store)
            }

            // Without a snapshot before and after: the commit has nothing to write but its event.
            try await purses.append([.deposited(amount: 3), .withdrawn(amount: 3)], to: "a", expecting: 2)
            #expect(try await queried(Purse.self, in: store) == ["b"])
            try await purses.execute(.deposit(9), on: "a")
            #expect(try await queried(Purse.self, in: store).sorted() == ["a", "b"])
            #expect(try await purses.load("a").version == 5)
            try await expectClean(store)
        }
    }

    @Test("a snapshot of a state that keeps none is drift: verify reports it, and patch deletes it")
    func drift() async throws {
        try await withStore { store in
            let purses = store.repository(Purse.self)
            for key in ["a", "b", "c"] { try await purses.execute(.deposit(5), on: key) }
            let before = try await ReconcileFixture.snapshots(of: Purse.self, in: store)
            for key in ["a", "b"] { try await purses.execute(.empty, on: key) }
            let namespace = store.raw.namespace(Purse.snapshotCollection)
            let old = try #require(before["purse/a"])
            try await store.raw.client.withConnection(.single) { connection in
                try connection.insert([old], into: namespace)
                try connection.deleteOne(["_id": "purse/c"], in: namespace)
            }
            let report = try await store.verify()
            #expect(report.kinds == ["purse/a": [.orphan], "purse/c": [.missing]])
            let patched = try await store.patch()
            #expect(patched.findings.map(\.repair?.action) == [.delete, .insert])
            #expect(try await ReconcileFixture.snapshots(of: Purse.self, in: store).keys.sorted() == ["purse/c"])
            try await expectClean(store)
        }
    }

    @Test(
        "a transaction over several aggregates deletes a snapshot that is not kept, and a guard on it keeps a rival's commit out"
    )
    func transactions() async throws {
        try await withStore { store in
            let purses = store.repository(Purse.self)
            try await purses.execute(.deposit(5), on: "a")
            try await store.transaction { transaction in
                try await transaction.execute(.empty, on: "a", of: Purse.self)
                try await transaction.execute(.deposit(5), on: "b", of: Account.self)
            }
            #expect(try await queried(Purse.self, in: store).isEmpty)

            // The rival commits after the first run has read; with nothing to hold, that run would commit beside it.
            let runs = Tries()
            try await store.transaction { transaction in
                let seen = try await transaction.guard("a", of: Purse.self)
                if await runs.next() == 1 {
                    _ = try await ReconcileFixture.withAnother(on: store, for: Self.aggregates) { other in
                        try await other.repository(Purse.self)
                            .append([.deposited(amount: 1), .withdrawn(amount: 1)], to: "a", expecting: seen.version)
                    }
                }
                try await transaction.execute(.deposit(Int(seen.version)), on: "b", of: Account.self)
            }
            #expect(await runs.count == 2)
            #expect(try await store.repository(Account.self).load("b").state.balance == 5 + 4)
            try await expectClean(store)
        }
    }

    @Test(
        "an async aggregate's snapshot that is not kept is deleted after its commit, and a waiting reader waits for that"
    )
    func afterTheCommit() async throws {
        try await withStore { store in
            let tills = store.repository(Till.self)
            let opened = try #require(try await tills.execute(.deposit(5), on: "a"))
            try await tills.waitForSnapshot(of: opened)
            #expect(try await queried(Till.self, in: store) == ["a"])
            let emptied = try #require(try await tills.execute(.empty, on: "a"))
            try await tills.waitForSnapshot(of: emptied)
            #expect(try await queried(Till.self, in: store).isEmpty)
            try await expectClean(store)
        }
    }

    @Test("G10: an older snapshot that arrives late does not bring back a deleted one")
    func latePost() async throws {
        try await withStore { store in
            try await ReconcileFixture.withWatched(on: store, for: Self.aggregates) { slow, proxy in
                proxy.fail("update", .hold)
                let opened = try #require(try await slow.repository(Till.self).execute(.deposit(5), on: "a"))
                try await #require(eventually("the post is held") { proxy.held == 1 })
                let tills = store.repository(Till.self)
                try await tills.waitForSnapshot(of: opened)
                let emptied = try #require(try await tills.execute(.empty, on: "a"))
                try await tills.waitForSnapshot(of: emptied)
                await proxy.release()
                // Now the older snapshot is there, and its writer looks once more.
                await slow.poster.drain()
            }
            #expect(try await ReconcileFixture.snapshots(of: Till.self, in: store).isEmpty)
            try await expectClean(store)
        }
    }

    @Test("G9: a patch whose insert arrives after the commit that deleted the snapshot does not bring it back")
    func latePatch() async throws {
        try await withStore { store in
            let purses = store.repository(Purse.self)
            try await purses.execute(.deposit(5), on: "a")
            let namespace = store.raw.namespace(Purse.snapshotCollection)
            _ = try await store.raw.client.withConnection(.single) {
                try $0.deleteOne(["_id": "purse/a"], in: namespace)
            }
            var options = ReconcileOptions()
            options.types = ["purse"]
            let purseOnly = options
            try await ReconcileFixture.withWatched(on: store, for: Self.aggregates) { slow, proxy in
                // The first insert is the run's own record.
                proxy.fail("insert", .hold, skip: 1)
                async let report = slow.patch(purseOnly)
                try await #require(eventually("the insert is held") { proxy.held == 1 })
                try await purses.execute(.empty, on: "a")
                await proxy.release()
                _ = try await report
            }
            #expect(try await ReconcileFixture.snapshots(of: Purse.self, in: store).isEmpty)
            try await expectClean(store)
        }
    }
}

private actor Tries {
    private(set) var count = 0

    func next() -> Int {
        count += 1
        return count
    }
}
