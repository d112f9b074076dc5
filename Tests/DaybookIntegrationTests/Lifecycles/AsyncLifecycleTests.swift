@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("The lifecycle async", .timeLimit(.minutes(2)))
struct AsyncLifecycleTests {
    @Test("a commit is loaded at once, and queried when its snapshot was waited for")
    func follow() async throws {
        try await withTestStore { store in
            try await store.initialize(Tally.self)
            let tallies = store.repository(Tally.self)
            for amount in 1...20 { try await tallies.execute(.deposit(amount), on: "a") }
            #expect(try await tallies.load("a").state == Tally(balance: 210, entries: 20))
            let commit = try #require(try await tallies.execute(.depositEach([1, 2, 3]), on: "a"))
            try await tallies.waitForSnapshot(of: commit)
            let found = try await tallies.query(where: \.balance == 216).reduce(into: []) { $0.append($1) }
            #expect(found.map(\.version) == [23])
            #expect(found.map(\.state) == [Tally(balance: 216, entries: 23)])
        }
    }

    @Test("64 tasks of which many meet on the same aggregates: each is told its own truth, and versions are contiguous")
    func groupCommit() async throws {
        try await withTestStore { store in
            try await store.initialize(Tally.self)
            let tallies = store.repository(Tally.self)
            let commits = Recorder<Commit>()
            let conflicts = Recorder<Int64>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<64 {
                    group.addTask {
                        for round in 0..<8 {
                            do {
                                let commit = try await tallies.append(
                                    [.deposited(amount: task * 100 + round)], to: "k\(task % 16)", expecting: Int64(round))
                                if let commit { commits.record(commit) }
                            } catch let error as DaybookError where error.code == .conflict {
                                conflicts.record(error.version ?? -1)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            await store.poster.drain()
            let events = try await store.raw.documents(in: "journal")
            #expect(events.count == commits.all.count)
            #expect(commits.all.count + conflicts.all.count == 64 * 8)
            #expect(!conflicts.all.isEmpty)
            for commit in commits.all {
                #expect(events.contains { $0["_id"] == .binary(BSONBinary(commit.id)) })
            }
            let audit = try await JournalAudit(store.raw)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
        }
    }

    @Test("a lagging snapshot is caught up by a store that runs")
    func projector() async throws {
        try await withTestStore { store in
            try await store.initialize(Tally.self)
            let tallies = store.repository(Tally.self)
            try await tallies.execute(.deposit(5), on: "before")
            await store.poster.drain()
            try await store.raw.delete(["_id": "tally/before"], from: "snapshots.tally")
            let runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runner.run() }
                await eventually("the snapshot from before is there", within: .seconds(20)) {
                    let found = try? await store.raw.document(in: "snapshots.tally", id: "tally/before")
                    return found?.integer(at: "version") == 1
                }
                try await tallies.execute(.deposit(5), on: "after")
                await store.poster.drain()
                try await store.raw.delete(["_id": "tally/after"], from: "snapshots.tally")
                await eventually("the snapshot from after is there", within: .seconds(20)) {
                    let found = try? await store.raw.document(in: "snapshots.tally", id: "tally/after")
                    return found?.integer(at: "version") == 1
                }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test("the lifecycle live keeps no snapshot, and loads fold the journal")
    func live() async throws {
        try await withTestStore { store in
            let meters = store.repository(Meter.self)
            for _ in 1...3 { try await meters.execute(.deposit(2), on: "a") }
            try await meters.execute(.depositEach([1, 1]), on: "a")
            let loaded = try await meters.load("a")
            #expect(loaded.version == 5)
            #expect(loaded.state.balance == 8)
            #expect(try await store.raw.documents(in: "snapshots.meter").isEmpty)
        }
    }
}
