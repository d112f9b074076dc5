import Daybook
import IntegrationSupport
import Testing

@Suite struct CrashTests {
    /// What came of many crashes.
    private struct Toll {
        var commits = 0
        /// How many died in the middle of a commit.
        var interrupted = 0
    }

    @Test(
        "G2, G4: a commit is whole or absent when its process is killed, stored if it was acknowledged, and the next writer continues",
        .timeLimit(.minutes(4)))
    func killed() async throws {
        // A server keeps the transaction of a dead client for a minute (transactionLifetimeLimitSeconds), and mongod
        // looks every half one.
        try await withTestStore(configure: { $0.commitTimeout = .seconds(150) }) { store in
            let kills = (TestScale.kills + 1) / 2
            var failure: (any Error)?
            do {
                for work in CommitWriter.Work.allCases {
                    let toll = try await kill(kills, work, store)
                    #expect(toll.commits > 0, "no process lived long enough to commit: nothing was proven")
                    #expect(toll.interrupted > 0, "no process was killed inside a commit: nothing was proven")
                    print(
                        "\(work): \(kills) processes killed, \(toll.interrupted) inside a commit; \(toll.commits) commits audited"
                    )
                }
            } catch {
                failure = error
            }
            // Also after a failure: the local server hangs when a database is dropped while a dead client's transaction
            // is open in it.
            try await goOn(store, kills)
            if let failure { throw failure }
            let audit = try await JournalAudit(store.raw)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
            #expect(audit.events.count == kills * 4)
        }
    }

    private func kill(_ kills: Int, _ work: CommitWriter.Work, _ store: DaybookStore) async throws -> Toll {
        var toll = Toll()
        for run in 1...kills {
            let key = "\(work)-\(run)"
            let words = try await CommitWriter.kill(work, in: store, key: key)
            let audit = try await JournalAudit(store.raw, keysBeginningWith: "\(key)-")
            #expect(audit.faults.isEmpty, "kill \(run): \(audit.faults)")
            #expect(audit.commits.values.allSatisfy { $0.count == work.eventsPerCommit })
            for commandID in words.done {
                #expect(audit.has(commandID: commandID), "\(commandID) was acknowledged and is not there")
            }
            // What was begun and not acknowledged may be there; nothing else.
            #expect(audit.commits.count <= words.begun.count)
            toll.commits += audit.commits.count
            if words.wasCommitting { toll.interrupted += 1 }
        }
        return toll
    }

    /// A commit to every aggregate that someone died over. It comes after whatever the dead one's transaction comes to.
    private func goOn(_ store: DaybookStore, _ kills: Int) async throws {
        let accounts = store.repository(Account.self)
        for work in CommitWriter.Work.allCases {
            for run in 1...kills {
                for key in work.keys("\(work)-\(run)") { try await accounts.execute(.deposit(100), on: key) }
            }
        }
    }
}
