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
        try await eventually("the snapshot is caught up", within: .seconds(40)) { try await store.isCaughtUp(key, Tally.self) }
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
            guard case .datetime(let expiresAt) = try await lease(store)?["expiresAt"] else { throw RawDatabase.NoMatch() }
            #expect(expiresAt.date <= store.clock.now())
        }
    }

    @Test("when the one that works dies, another one takes over as soon as the lease is over")
    func outlives() async throws {
        try await withTestStore { store in
            try await leaveBehind("a", store)
            try await store.raw.put(
                [
                    "_id": "snapshots.tally", "holder": "dead", "epoch": .int64(7),
                    "expiresAt": .datetime(try BSONDate(store.clock.now() + 2)),
                ], into: "daybook.leases")
            try await running(store) { _ in
                try await expectCaughtUp("a", store)
                #expect(try await lease(store)?["epoch"] == .int64(8))
                #expect(try await lease(store)?["holder"] != "dead")
            }
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
            try await store.raw.put(["_id": "snapshots.tally", "token": ["_data": "nonsense"]], into: "daybook.checkpoints")
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
            _ = try await store.raw.write(["collMod": "snapshots.tally", "validator": ["_id": ["$ne": "tally/refused"]]])
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
