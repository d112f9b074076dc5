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

    @Test("G7: a load at a version equals folding the first events")
    func loadAt() async throws {
        try await withTestStore { store in
            let tallies = store.repository(Tally.self)
            for amount in 1...5 { try await tallies.execute(.deposit(amount), on: "a") }
            for version in 0...5 {
                let loaded = try await tallies.load("a", at: .version(Int64(version)))
                #expect(loaded.state == Tally(balance: version * (version + 1) / 2, entries: version))
            }
        }
    }

    @Test("G2: one transaction over aggregates of every lifecycle is all or nothing")
    func mixedTransaction() async throws {
        try await withTestStore { store in
            @Sendable func run(_ withdrawal: Int) async throws {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                    try await transaction.execute(.depositEach([2, 3]), on: "a", of: Tally.self)
                    try await transaction.execute(.deposit(4), on: "a", of: Meter.self)
                    try await transaction.execute(.withdraw(withdrawal), on: "a", of: Meter.self)
                }
            }
            await #expect(throws: Account.Rejection.insufficient(balance: 4)) { try await run(5) }
            await store.poster.drain()
            #expect(try await store.raw.documents(in: "journal").isEmpty)
            #expect(try await store.snapshot("a", Account.self) == nil)
            #expect(try await store.snapshot("a", Tally.self) == nil)

            try await run(3)
            let events = try await store.raw.documents(in: "journal")
            #expect(events.count == 5)
            #expect(Set(events.compactMap { $0.value(at: "commit.id") }).count == 1)
            #expect(try await store.isCaughtUp("a", Account.self), "inline: at once")
            try await store.repository(Tally.self).waitForSnapshot("a", version: 2)
            #expect(try await store.isCaughtUp("a", Tally.self))
            #expect(try await store.snapshot("a", Meter.self) == nil)
            #expect(try await store.repository(Meter.self).load("a").state.balance == 1)
        }
    }

    @Test("G1, G2: mixed transactions that race all commit, each once")
    func mixedRace() async throws {
        try await withTestStore { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        for _ in 0..<3 {
                            try await store.transaction { transaction in
                                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                                try await transaction.execute(.deposit(1), on: "a", of: Tally.self)
                                try await transaction.execute(.deposit(1), on: "a", of: Meter.self)
                            }
                        }
                    }
                    group.addTask {
                        for _ in 0..<3 { try await store.repository(Tally.self).execute(.deposit(1), on: "a") }
                    }
                }
                try await group.waitForAll()
            }
            await store.poster.drain()
            for (type, versions) in [("account", 18), ("tally", 36), ("meter", 18)] {
                let audit = try await JournalAudit(store.raw, of: type, hasSnapshots: false)
                #expect(audit.events["\(type)/a"]?.count == versions)
                #expect(
                    audit.faults.allSatisfy { $0.contains("of 3 events") || $0.contains("of 1 events") },
                    "\(audit.faults)")
            }
            #expect(try await store.isCaughtUp("a", Account.self))
            #expect(try await store.isCaughtUp("a", Tally.self))
        }
    }

    @Test("an aggregate that is not inline cannot be guarded, and nothing of that transaction is written")
    func guarding() async throws {
        try await withTestStore { store in
            let errors = [try await errorOfGuarding(Tally.self, store), try await errorOfGuarding(Meter.self, store)]
            #expect(errors.map { $0?.code } == [.invalidTransaction, .invalidTransaction])
            #expect(try await store.raw.documents(in: "journal").isEmpty)
        }
    }

    private func errorOfGuarding<A: Ledger>(_ aggregate: A.Type, _ store: DaybookStore) async throws -> DaybookError? {
        try await daybookError {
            try await store.transaction { transaction in
                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                try await transaction.guard("a", of: A.self)
            }
        }
    }
}

@Suite("The lifecycle live", .timeLimit(.minutes(1)))
struct LiveLifecycleTests {
    @Test("G1, G7: writers race, loads fold the journal, and no snapshot is kept")
    func races() async throws {
        try await withTestStore { store in
            let meters = store.repository(Meter.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        for round in 0..<4 {
                            try await meters.execute(
                                round.isMultiple(of: 2) ? .deposit(1) : .depositEach([1, 1]), on: "a",
                                commandID: "\(writer)-\(round)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await meters.load("a").version == 48)
            #expect(try await meters.load("a").state.balance == 48)
            for version in [0, 1, 17, 48] {
                #expect(try await meters.load("a", at: .version(Int64(version))).state.entries == version)
            }
            #expect(try await meters.execute(.deposit(1), on: "a", commandID: "3-0")?.versions.count == 1)
            #expect(try await meters.load("a").version == 48)
            await store.poster.drain()
            #expect(try await store.raw.documents(in: "snapshots.meter").isEmpty)
            let audit = try await JournalAudit(store.raw, of: "meter", hasSnapshots: false)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
        }
    }

    @Test("a live aggregate cannot be queried")
    func query() async throws {
        try await withTestStore { store in
            try await store.repository(Meter.self).execute(.deposit(1), on: "a")
            let error = try await daybookError { for try await _ in store.repository(Meter.self).query() {} }
            #expect(error?.code == .invalidArgument)
        }
    }
}
