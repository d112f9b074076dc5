@testable import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

@Suite struct AsyncCrashTests {
    @Test(
        "G1, G2, G4: a process that is killed between journal and snapshot leaves loads right, and its snapshot is caught up to the byte",
        .timeLimit(.minutes(5)))
    func killed() async throws {
        try await withTestStore(configure: { $0.commitTimeout = .seconds(150) }) { store in
            let lanes = 4
            let lagging = Recorder<String>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<lanes {
                    group.addTask {
                        for kill in stride(from: lane, to: TestScale.kills, by: lanes) {
                            let key = "k-\(kill)"
                            if try await die(key, store) { lagging.record(key) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(!lagging.all.isEmpty, "no process was killed before its snapshot was there: nothing was proven")
            print("\(TestScale.kills) processes killed behind a commit; \(lagging.all.count) snapshots lagged")
            // Half of them were waited for; the others are caught up by a store that runs.
            let runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
            let run = Task { try await runner.run() }
            for kill in 0..<TestScale.kills {
                try await eventually("the snapshot is caught up", within: .seconds(30)) {
                    try await store.isCaughtUp("k-\(kill)", Tally.self)
                }
                #expect(try await store.isCaughtUp("k-\(kill)", Tally.self))
            }
            run.cancel()
            try await run.value
            let audit = try await JournalAudit(store.raw, of: "tally")
            #expect(audit.faults.isEmpty, "\(audit.faults)")
        }
    }

    /// - Returns: Whether the snapshot lagged.
    private func die(_ key: String, _ store: DaybookStore) async throws -> Bool {
        let words = try await CommitWriter.dieBehind(in: store, key: key)
        #expect(words.wasCommitting)
        let audit = try await JournalAudit(store.raw, of: "tally", keysBeginningWith: key, hasSnapshots: false)
        let events = audit.events["tally/\(key)"] ?? []
        // It dies behind a commit that took effect, before anybody is told.
        for commandID in words.begun { #expect(events.contains { $0.string(at: "meta.commandId") == commandID }) }
        let amounts = events.reduce(0) { $0 + ($1.integer(at: "data.amount") ?? 0) }
        let tallies = store.repository(Tally.self)
        let loaded = try await tallies.load(key)
        #expect(loaded.version == Int64(events.count))
        #expect(loaded.state == Tally(balance: Int(amounts), entries: events.count))
        let isLagging = try await !store.isCaughtUp(key, Tally.self)
        if key.last.map({ "02468".contains($0) }) == true {
            try await tallies.waitForSnapshot(key, version: loaded.version)
            #expect(try await store.isCaughtUp(key, Tally.self))
        }
        // The command that nobody was told of is known.
        let last = try await tallies.execute(
            words.begun.count.isMultiple(of: 3) ? .depositEach([1, 2]) : .deposit(1), on: key,
            commandID: words.begun.last)
        #expect(last?.version == loaded.version)
        return isLagging
    }
}
