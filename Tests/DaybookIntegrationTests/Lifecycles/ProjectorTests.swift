@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("The projector", .timeLimit(.minutes(3)))
struct ProjectorTests {
    private func leaveBehind(_ key: String, _ store: DaybookStore) async throws {
        try await store.repository(AbandonedTally.self).execute(.deposit(5), on: key)
    }

    private func expectCaughtUp(_ key: String, _ store: DaybookStore, sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        try await eventually("the snapshot is caught up", within: .seconds(40)) {
            try await store.isCaughtUp(key, Tally.self)
        }
        #expect(try await store.isCaughtUp(key, Tally.self), sourceLocation: sourceLocation)
    }

    private func lease(_ store: DaybookStore) async throws -> BSONDocument? {
        try await store.raw.document(in: "daybook.leases", id: "snapshots.tally")
    }

    private func checkpoint(_ store: DaybookStore) async throws -> BSONValue? {
        try await store.raw.document(in: "daybook.checkpoints", id: "snapshots.tally")?["token"]
    }

    /// Runs `body` beside a store that runs, and stops that.
    private func running<R>(_ store: DaybookStore, _ body: (DaybookStore) async throws -> R) async throws -> R {
        let runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
        let run = Task { try await runner.run() }
        do {
            let result = try await body(runner)
            run.cancel()
            try await run.value
            return result
        } catch {
            run.cancel()
            try? await run.value
            throw error
        }
    }

    @Test("what was left behind before it began and what is left behind while it runs is caught up")
    func beforeAndAfter() async throws {
        try await withTestStore { store in
            for number in 1...60 { try await leaveBehind("before-\(number)", store) }
            try await running(store) { _ in
                for number in 1...60 { try await expectCaughtUp("before-\(number)", store) }
                try await leaveBehind("after", store)
                try await expectCaughtUp("after", store)
            }
        }
    }

    @Test("of two stores that run one works; when it stops the other one takes over soon")
    func takesOver() async throws {
        try await withTestStore { store in
            try await running(store) { _ in
                let first: BSONDocument? = try await running(store) { _ in
                    try await leaveBehind("a", store)
                    try await expectCaughtUp("a", store)
                    let lease = try await lease(store)
                    try await leaveBehind("b", store)
                    try await expectCaughtUp("b", store)
                    #expect(try await self.lease(store)?["holder"] == lease?["holder"])
                    #expect(try await self.lease(store)?["epoch"] == lease?["epoch"])
                    return lease
                }
                #expect(first?["epoch"] == .int64(1))
                try await leaveBehind("c", store)
                try await expectCaughtUp("c", store)
            }
            // Whoever stops gives it back.
            guard case .datetime(let expiresAt) = try await lease(store)?["expiresAt"] else {
                throw RawDatabase.NoMatch()
            }
            #expect(expiresAt.date <= store.clock.now())
        }
    }

    @Test(
        "when the one that works dies, another one takes over as soon as the lease is over, whatever its own clock says",
        arguments: [0, 3_600, -3_600] as [TimeInterval])
    func outlives(skew: TimeInterval) async throws {
        let clock = skew == 0 ? .system : CommitClock(now: { Date() + skew }, random: { .random(in: .min ... .max) })
        try await withTestStore(configure: { $0.clock = clock }) { store in
            try await leaveBehind("a", store)
            try await store.raw.put(
                [
                    "_id": "snapshots.tally", "holder": "dead", "epoch": .int64(7),
                    "expiresAt": .datetime(try BSONDate(Date() + 2)),
                ], into: "daybook.leases")
            try await running(store) { _ in
                try await expectCaughtUp("a", store)
                let lease = try await lease(store)
                #expect(lease?["epoch"] == .int64(8))
                #expect(lease?["holder"] != "dead")
                guard case .datetime(let begin) = lease?["acquiredAt"], case .datetime(let end) = lease?["expiresAt"]
                else {
                    throw RawDatabase.NoMatch()
                }
                // By the server's clock, which is this machine's.
                #expect(abs(begin.date.timeIntervalSinceNow) < 60)
                #expect(abs(end.date.timeIntervalSinceNow) < 60)
            }
        }
    }

    @Test("one that is held up while it saves its place, and loses its lease, does not move the place back")
    func heldUp() async throws {
        try await withFaultyStore(for: [Tally.self]) { store, proxy, fixture in
            try await store.initialize()
            let other = try DaybookStore(DaybookConfiguration(uri: try fixture.uri(), database: fixture.database))
            // Its lease is renewed by findAndModify, and it has no snapshot to write: its first update saves its place.
            proxy.fail("update", .hold)
            let late = Task { try await store.run() }
            #expect(await eventually("it saves its place", within: .seconds(30)) { proxy.held == 1 })
            let held = try #require(proxy.exchanges.last { $0.command == "update" })
            #expect(held.request["update"] == "daybook.checkpoints")
            // Its renewals come every five seconds, so the lease is ended again until another one has acquired it.
            try await running(other) { _ in
                let hasSaved = try await eventually("another one has saved its place", within: .seconds(60)) {
                    try? await other.raw.update(
                        ["_id": "snapshots.tally", "epoch": .int64(1)],
                        with: ["$set": ["expiresAt": .datetime(BSONDate(milliseconds: 0))]], in: "daybook.leases")
                    return try await checkpoint(other) != nil
                }
                #expect(hasSaved)
            }
            let before = try #require(try await other.raw.document(in: "daybook.checkpoints", id: "snapshots.tally"))
            #expect(before["epoch"] == .int64(2))
            // The other one's lease must not come back to the one that was held up before the late request is done.
            try await other.raw.update(
                ["_id": "snapshots.tally"], with: ["$set": ["expiresAt": .datetime(try BSONDate(Date() + 600))]],
                in: "daybook.leases")
            await proxy.release()
            #expect(try await other.raw.document(in: "daybook.checkpoints", id: "snapshots.tally") == before)
            late.cancel()
            try await late.value
            await other.close()
        }
    }

    @Test("it goes on where it was: what happened meanwhile is caught up, and nothing is compared twice")
    func resumes() async throws {
        try await withTestStore { store in
            try await running(store) { _ in
                try await leaveBehind("old", store)
                try await expectCaughtUp("old", store)
                let before = try await checkpoint(store)
                try await eventually("its place is noted", within: .seconds(20)) {
                    let now = try await checkpoint(store)
                    return now != nil && now != before
                }
            }
            #expect(try await checkpoint(store) != nil)
            // Damage that only a comparison of all would find.
            try await store.raw.delete(["_id": "tally/old"], from: "snapshots.tally")
            try await leaveBehind("new", store)
            try await running(store) { _ in try await expectCaughtUp("new", store) }
            #expect(try await store.snapshot("old", Tally.self) == nil)
        }
    }

    @Test("a place that the server does not know any more makes it compare all")
    func unknownPlace() async throws {
        try await withTestStore { store in
            try await leaveBehind("old", store)
            try await store.raw.put(
                ["_id": "snapshots.tally", "token": ["_data": "nonsense"]], into: "daybook.checkpoints")
            try await running(store) { _ in
                try await expectCaughtUp("old", store)
                try await leaveBehind("new", store)
                try await expectCaughtUp("new", store)
            }
        }
    }

    @Test("an aggregate that cannot be read, and one whose snapshot the server refuses, do not hold up the others")
    func poison() async throws {
        let lines = LogRecorder()
        try await withTestStore(configure: { $0.logger = lines.logger }) { store in
            for key in ["a", "z"] { try await leaveBehind(key, store) }
            try await store.spoil("poison")
            try await leaveBehind("refused", store)
            _ = try await store.raw.write([
                "collMod": "snapshots.tally", "validator": ["_id": ["$ne": "tally/refused"]],
            ])
            try await running(store) { _ in
                for key in ["a", "z"] { try await expectCaughtUp(key, store) }
                try await leaveBehind("later", store)
                try await expectCaughtUp("later", store)
            }
            for id in ["tally/poison", "tally/refused"] {
                #expect(lines.all.contains { $0.level == "error" && $0.metadata["aggregateId"] == id })
            }
            #expect(try await store.snapshot("poison", Tally.self)?.integer(at: "version") == 1)
        }
    }
}
