import Daybook
import DaybookBSON
import IntegrationSupport
import Synchronization
import Testing

@Suite struct CommandIDTests {
    @Test("G3: one command id from 50 tasks at once is one event set and 50 equal commits", .timeLimit(.minutes(1)))
    func atOnce() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(1), on: "a")
            let commits = try await withThrowingTaskGroup(of: Commit.self) { group in
                for _ in 1...50 {
                    group.addTask {
                        try #require(
                            try await accounts.execute(.depositEach([10, 20, 30]), on: "a", commandID: "once"))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(commits.count == 50)
            #expect(Set(commits).count == 1)
            #expect(commits.first?.versions == 2...4)
            #expect(try await accounts.load("a").state == Account(balance: 61, entries: 4))
            let audit = try await JournalAudit(store.raw)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
            #expect(audit.eventCount == 4)
        }
    }

    @Test("G3: one command id from 50 tasks at once creates an aggregate once", .timeLimit(.minutes(1)))
    func atOnceOnNothing() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let commits = try await withThrowingTaskGroup(of: Commit?.self) { group in
                for _ in 1...50 {
                    group.addTask { try await accounts.execute(.deposit(7), on: "a", expecting: 0, commandID: "once") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(commits).count == 1)
            #expect(commits.first??.versions == 1...1)
            #expect(try await accounts.load("a").state == Account(balance: 7, entries: 1))
        }
    }

    enum Circumstance: CaseIterable, Sendable {
        case laterCommands, refusedByNow, expectingWhatItWas, expectingStale, expectingBeyond, nothingToDoByNow,
            snapshotDeleted
    }

    @Test(
        "G3: a command that is repeated returns its first commit, whatever has happened since",
        arguments: Circumstance.allCases)
    func repeated(_ circumstance: Circumstance) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(100), on: "a", commandID: "first")
            let command: Account.Command = circumstance == .nothingToDoByNow ? .empty : .withdraw(80)
            let original = try #require(try await accounts.execute(command, on: "a", expecting: 1, commandID: "c"))
            let again: Commit?
            switch circumstance {
            case .laterCommands:
                try await accounts.execute(.depositEach([500, 500]), on: "a", commandID: "later")
                again = try await accounts.execute(.withdraw(80), on: "a", commandID: "c")
            case .refusedByNow: again = try await accounts.execute(.withdraw(80), on: "a", commandID: "c")
            case .expectingWhatItWas:
                again = try await accounts.execute(.withdraw(80), on: "a", expecting: 1, commandID: "c")
            case .expectingStale:
                again = try await accounts.execute(.withdraw(80), on: "a", expecting: 0, commandID: "c")
            case .expectingBeyond:
                again = try await accounts.execute(.withdraw(80), on: "a", expecting: 9, commandID: "c")
            case .nothingToDoByNow: again = try await accounts.execute(.empty, on: "a", commandID: "c")
            case .snapshotDeleted:
                try await store.raw.delete(["_id": "account/a"], from: "snapshots.account")
                again = try await accounts.execute(.withdraw(80), on: "a", commandID: "c")
            }
            #expect(again == original)
            let events = try await store.raw.documents(in: "journal")
            #expect(events.count == (circumstance == .laterCommands ? 4 : 2))
        }
    }

    @Test("a command id belongs to its aggregate: another aggregate may use it too")
    func scope() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let first = try await accounts.execute(.deposit(1), on: "a", commandID: "c")
            let second = try await accounts.execute(.deposit(1), on: "b", commandID: "c")
            #expect(first?.id != second?.id)
            #expect(try await accounts.load("b").version == 1)
        }
    }

    @Test("a command that appended nothing leaves no trace, and is decided afresh")
    func nothingAppended() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let none = try await accounts.execute(.wait, on: "a", commandID: "c")
            #expect(none == nil)
            await #expect(throws: Account.Rejection.insufficient(balance: 0)) {
                try await accounts.execute(.withdraw(1), on: "a", commandID: "c")
            }
            #expect(try await accounts.execute(.deposit(1), on: "a", commandID: "c")?.version == 1)
        }
    }

    @Test("G3: a transaction over several aggregates that is repeated adds no events")
    func repeatedTransaction() async throws {
        try await withTestStore { store in
            @Sendable func run() async throws -> [Int64] {
                try await store.transaction { transaction in
                    var versions: [Int64] = []
                    for key in ["a", "b", "c"] {
                        versions.append(
                            try await transaction.execute(
                                .depositEach([1, 2]), on: key, of: Account.self, commandID: "c"))
                    }
                    return versions
                }
            }
            #expect(try await run() == [2, 2, 2])
            let before = try await store.raw.documents(in: "journal")
            #expect(before.count == 6)
            #expect(try await run() == [2, 2, 2])
            try await store.repository(Account.self).execute(.deposit(5), on: "b")
            #expect(try await run() == [2, 2, 2])
            let after = try await store.raw.documents(in: "journal")
            #expect(after.count == 7)
            #expect(Array(after.filter { $0.string(at: "meta.commandId") == "c" }).count == 3)
        }
    }

    @Test("G3: one command id in 20 transactions at once is one event set", .timeLimit(.minutes(1)))
    func transactionsAtOnce() async throws {
        try await withTestStore { store in
            let versions = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for _ in 1...20 {
                    group.addTask {
                        try await store.transaction { transaction in
                            [
                                try await transaction.execute(.deposit(1), on: "a", of: Account.self, commandID: "c"),
                                try await transaction.execute(
                                    .depositEach([1, 2]), on: "b", of: Account.self, commandID: "c"),
                            ]
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(versions.count == 20)
            #expect(versions.allSatisfy { $0 == [1, 2] })
            let audit = try await JournalAudit(store.raw)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
            #expect(audit.eventCount == 3)
            #expect(audit.commits.count == 1)
        }
    }

    @Test("G3: a command id that is used twice in one transaction takes effect once")
    func twiceInOneTransaction() async throws {
        try await withTestStore { store in
            let versions = try await store.transaction { transaction in
                [
                    try await transaction.execute(.deposit(1), on: "a", of: Account.self),
                    try await transaction.execute(.depositEach([2, 3]), on: "a", of: Account.self, commandID: "c"),
                    try await transaction.execute(.deposit(4), on: "a", of: Account.self),
                    try await transaction.execute(.depositEach([2, 3]), on: "a", of: Account.self, commandID: "c"),
                ]
            }
            #expect(versions == [1, 3, 4, 3], "the second time it answers as it did the first time")
            #expect(try await store.repository(Account.self).load("a").state == Account(balance: 10, entries: 4))
            let original = try await store.repository(Account.self).execute(
                .depositEach([2, 3]), on: "a", commandID: "c")
            // The command without an id behind it is not its own.
            #expect(original?.versions == 2...3)
            #expect(try await store.raw.documents(in: "journal").count == 4)
        }
    }

    @Test("G3: each of several commands on one aggregate in one transaction is repeated with its own versions")
    func severalInOneTransaction() async throws {
        try await withTestStore { store in
            try await store.transaction { transaction in
                try await transaction.execute(.depositEach([1, 2]), on: "a", of: Account.self, commandID: "c-1")
                try await transaction.execute(.depositEach([3, 4, 5]), on: "a", of: Account.self, commandID: "c-2")
                try await transaction.execute(.depositEach([6]), on: "b", of: Account.self, commandID: "c-1")
            }
            let accounts = store.repository(Account.self)
            #expect(try await accounts.execute(.depositEach([1, 2]), on: "a", commandID: "c-1")?.versions == 1...2)
            #expect(try await accounts.execute(.depositEach([3, 4, 5]), on: "a", commandID: "c-2")?.versions == 3...5)
            #expect(try await accounts.execute(.depositEach([6]), on: "b", commandID: "c-1")?.versions == 1...1)
            #expect(try await store.raw.documents(in: "journal").count == 6)
        }
    }

    @Test(
        "G12: a command id that breaks a rule is refused", arguments: ["", String(repeating: "c", count: 257), "tab\t"])
    func badCommandID(commandID: String) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let error = await #expect(throws: DaybookError.self) {
                try await accounts.execute(.deposit(1), on: "a", commandID: commandID)
            }
            #expect(error?.code == .invalidArgument)
            let inTransaction = await #expect(throws: DaybookError.self) {
                try await store.transaction {
                    try await $0.execute(.deposit(1), on: "a", of: Account.self, commandID: commandID)
                }
            }
            #expect(inTransaction?.code == .invalidArgument)
            let loaded = try await accounts.load("a")
            #expect(!loaded.exists)
        }
    }
}
