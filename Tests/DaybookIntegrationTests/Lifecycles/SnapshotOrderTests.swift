@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("The order of snapshots", .timeLimit(.minutes(2)))
struct SnapshotOrderTests {
    /// The snapshot after the first `version` events, as a deployment of that schema writes it behind its commit.
    private func post(
        _ key: String, at version: Int64, schema: Int32 = 1, _ store: DaybookStore
    ) async throws -> SnapshotWrite {
        let tallies = store.repository(Tally.self)
        let id = try AggregateID(Tally.type, key: key)
        var stored = try await store.client.withConnection(.single) { connection in
            try tallies.loader.load(id, at: version, on: connection).stored()
        }
        stored?.stateSchema = schema
        return try SnapshotWrite(try #require(stored), of: tallies.loader)
    }

    /// An account with events and without a snapshot.
    private func prepare(_ keys: [String], _ store: DaybookStore) async throws {
        for key in keys { try await store.repository(Tally.self).execute(.depositEach([1, 2, 3]), on: key) }
        await store.poster.drain()
        for key in keys { try await store.raw.delete(["_id": .string("tally/\(key)")], from: "snapshots.tally") }
    }

    @Test(
        "G10: a newer version wins, in whatever order they are written",
        arguments: [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 3, 1], [1, 3, 2]] as [[Int64]], [true, false])
    func versions(order: [Int64], together: Bool) async throws {
        try await withTestStore { store in
            try await prepare(["a"], store)
            for version in order {
                await store.poster.post([try await post("a", at: version, store)])
                if !together { await store.poster.drain() }
            }
            await store.poster.drain()
            #expect(try await store.isCaughtUp("a", Tally.self))
        }
    }

    @Test(
        "G10: a lower stateSchema never replaces a higher one, and a higher one of the same or a later version replaces a lower"
    )
    func schemas() async throws {
        try await withTestStore { store in
            try await prepare(["a"], store)
            func write(_ version: Int64, _ schema: Int32) async throws -> (Int64?, Int64?) {
                await store.poster.post([try await post("a", at: version, schema: schema, store)])
                await store.poster.drain()
                let found = try await store.snapshot("a", Tally.self)
                return (found?.integer(at: "version"), found?.integer(at: "stateSchema"))
            }
            #expect(try await write(1, 1) == (1, 1))
            #expect(try await write(2, 2) == (2, 2))
            #expect(try await write(3, 1) == (2, 2))
            #expect(try await write(1, 3) == (2, 2))
            #expect(try await write(3, 2) == (3, 2))
        }
    }

    @Test("G10: two stores that write an aggregate's first snapshots at once end at the newest")
    func firstOnes() async throws {
        try await withTestStore { store in
            let other = try DaybookStore(store.configuration)
            let keys = (1...60).map { "k-\($0)" }
            try await prepare(keys, store)
            var older: [SnapshotWrite] = []
            var newer: [SnapshotWrite] = []
            for key in keys {
                older.append(try await post(key, at: 1, store))
                newer.append(try await post(key, at: 3, store))
            }
            for (older, newer) in zip(older, newer) {
                async let first: Void = store.poster.post([older])
                async let second: Void = other.poster.post([newer])
                _ = await (first, second)
            }
            await store.poster.drain()
            await other.close()
            for key in keys { #expect(try await store.isCaughtUp(key, Tally.self), "\(key)") }
        }
    }

    @Test("G1, G10: two stores that commit to the same aggregates end at the newest snapshots")
    func twoStores() async throws {
        try await withTestStore { store in
            let other = try DaybookStore(store.configuration)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for store in [store, other] {
                    for key in ["a", "b", "c"] {
                        group.addTask {
                            for _ in 1...10 { try await store.repository(Tally.self).execute(.deposit(1), on: key) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            await other.close()
            await store.poster.drain()
            for key in ["a", "b", "c"] {
                #expect(try await store.repository(Tally.self).load(key).version == 20)
                #expect(try await store.isCaughtUp(key, Tally.self))
            }
        }
    }

    @Test(
        "an aggregate that commits again and again has fewer snapshots written than commits, and the last one is stored"
    )
    func gathered() async throws {
        try await withFaultyTallies { store, proxy, _ in
            let tallies = store.repository(Tally.self)
            proxy.forget()
            for _ in 1...60 { try await tallies.execute(.deposit(1), on: "a") }
            await store.poster.drain()
            #expect(proxy.count("insert") == 60)
            #expect(proxy.count("update") < 60)
            #expect(try await store.isCaughtUp("a", Tally.self))
        }
    }

    @Test("a caller that waits for a snapshot does not wait for the later ones of a busy aggregate")
    func busyAggregate() async throws {
        try await withFaultyTallies { store, proxy, _ in
            let tallies = store.repository(Tally.self)
            proxy.fail("update", .hold)
            let first = try #require(try await tallies.execute(.deposit(2), on: "a"))
            await eventually("the first snapshot is on its way") { proxy.held == 1 }
            let waiting = Task { try await tallies.waitForSnapshot(of: first) }
            await eventually("it is waited for") { await store.poster.waiterCount == 1 }
            // The later one does not get through.
            proxy.fail("update", .dropRequest, times: .max)
            let second = try #require(try await tallies.execute(.deposit(3), on: "a"))
            await proxy.release()
            try await waiting.value
            #expect(try await store.snapshot("a", Tally.self)?.integer(at: "version") == first.version)
            let cancelled = Task { try await tallies.waitForSnapshot(of: second) }
            await eventually("the second is waited for") { await store.poster.waiterCount == 1 }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            proxy.heal()
            try await tallies.waitForSnapshot(of: second)
            #expect(try await store.isCaughtUp("a", Tally.self))
        }
    }

    @Test("a snapshot is written though another writer inserted the aggregate's first one a moment before")
    func firstOfAnother() async throws {
        try await withFaultyStore(for: [Tally.self]) { store, proxy, _ in
            try await store.initialize(Tally.self)
            // What the server answers to the second of two upserts that both found nothing.
            let duplicate: BSONDocument = [
                "index": .int32(0), "code": .int32(11_000), "keyPattern": ["_id": .int32(1)],
                "keyValue": ["_id": "tally/x"],
                "errmsg": "E11000 duplicate key error",
            ]
            proxy.fail(
                "update",
                .answer(
                    FaultProxy.Answer("duplicate key", .nothing) { _ in
                        ["n": .int32(0), "nModified": .int32(0), "writeErrors": [.document(duplicate)], "ok": 1.0]
                    }))
            try await store.repository(Tally.self).execute(.deposit(1), on: "x")
            await store.poster.drain()
            #expect(proxy.faults == 1)
            #expect(try await store.isCaughtUp("x", Tally.self))
        }
    }
}
