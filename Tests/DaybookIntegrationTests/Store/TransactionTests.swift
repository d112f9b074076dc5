import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Synchronization
import Testing

@Suite struct TransactionTests {
    private struct Changed: Error, Equatable {}

    @Test("G2: a transaction over several aggregates is one commit")
    func oneCommit() async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.deposit(100), on: "b")
            try await store.transaction { transaction in
                try await transaction.execute(.depositEach([1, 2]), on: "a", of: Account.self, commandID: "c-a")
                try await transaction.execute(.withdraw(10), on: "b", of: Account.self, commandID: "c-b")
                try await transaction.execute(.deposit(3), on: "a", of: Account.self)
            }
            let audit = try await JournalAudit(store.raw)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
            #expect(audit.commits.count == 2)
            #expect(
                audit.events["account/a"]?.map { $0.value(at: "commit.count") } == [.int32(4), .int32(4), .int32(4)])
            #expect(audit.events["account/a"]?.map { $0.string(at: "meta.commandId") } == ["c-a", nil, nil])
            #expect(audit.events["account/b"]?.map { $0.string(at: "meta.commandId") } == [nil, "c-b"])
        }
    }

    @Test("a transaction whose closure throws after executing writes nothing", arguments: [1, 2, 3])
    func closureThrows(after executed: Int) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(1), on: "a-1")
            let before = try await store.raw.documents(in: "journal")
            await #expect(throws: Changed()) {
                try await store.transaction { transaction in
                    for number in 1...executed {
                        try await transaction.execute(.depositEach([1, 2]), on: "a-\(number)", of: Account.self)
                    }
                    throw Changed()
                }
            }
            #expect(try await store.raw.documents(in: "journal") == before)
            #expect(try await store.raw.documents(in: "snapshots.account").count == 1)
            #expect(try await accounts.load("a-1").version == 1)
        }
    }

    @Test("a refusal inside a transaction is thrown as it is, and nothing is written")
    func refusal() async throws {
        try await withTestStore { store in
            await #expect(throws: Account.Rejection.insufficient(balance: 5)) {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(5), on: "a", of: Account.self)
                    try await transaction.execute(.withdraw(6), on: "a", of: Account.self)
                }
            }
            let events = try await store.raw.documents(in: "journal")
            #expect(events.isEmpty)
        }
    }

    @Test("a refusal that the closure catches changes nothing for the rest of the transaction")
    func caughtRefusal() async throws {
        try await withTestStore { store in
            let balance = try await store.transaction { transaction in
                try await transaction.execute(.deposit(5), on: "a", of: Account.self)
                await #expect(throws: Account.Rejection.self) {
                    try await transaction.execute(.withdraw(6), on: "a", of: Account.self)
                }
                try await transaction.execute(.withdraw(2), on: "a", of: Account.self)
                return try await transaction.load("a", of: Account.self).state.balance
            }
            #expect(balance == 3)
            #expect(try await store.repository(Account.self).load("a").state == Account(balance: 3, entries: 2))
        }
    }

    @Test("a transaction reads what it has executed, and others do not until it is over")
    func readsItsOwnWrites() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(10), on: "a")
            let (inside, outside, unseen) = try await store.transaction { transaction in
                let version = try await transaction.execute(
                    .depositEach([1, 2]), on: "a", of: Account.self, expecting: 1)
                #expect(version == 3)
                try await transaction.execute(.withdraw(13), on: "a", of: Account.self, expecting: 3)
                return (
                    try await transaction.load("a", of: Account.self), try await accounts.load("a"),
                    try await transaction.load("b", of: Account.self)
                )
            }
            #expect(inside.version == 4 && inside.state == Account(balance: 0, entries: 4))
            #expect(outside.version == 1 && outside.state == Account(balance: 10, entries: 1))
            #expect(!unseen.exists)
            #expect(try await accounts.load("a").state == inside.state)
        }
    }

    @Test("a transaction that executes nothing writes nothing, and returns what its closure returns")
    func readsOnly() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(10), on: "a")
            #expect(try await store.transaction { try await $0.load("a", of: Account.self).state.balance } == 10)
            #expect(try await store.transaction { try await $0.execute(.wait, on: "a", of: Account.self) } == 1)
            #expect(try await store.raw.documents(in: "journal").count == 1)
        }
    }

    @Test("a wrong expected version inside a transaction is a conflict that carries the actual one")
    func expecting() async throws {
        try await withTestStore { store in
            let error = await #expect(throws: DaybookError.self) {
                try await store.transaction { transaction in
                    try await transaction.execute(.depositEach([1, 2]), on: "a", of: Account.self)
                    try await transaction.execute(.deposit(3), on: "a", of: Account.self, expecting: 1)
                }
            }
            #expect(error?.code == .conflict)
            #expect(error?.version == 2)
            #expect(error?.aggregateID == "account/a")
            let events = try await store.raw.documents(in: "journal")
            #expect(events.isEmpty)
        }
    }

    @Test("a closure runs again on a fresh state when another writer came first", .timeLimit(.minutes(1)))
    func runsAgain() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(10), on: "a")
            let seen = Mutex<[Int64]>([])
            try await store.transaction { transaction in
                let version = try await transaction.load("a", of: Account.self).version
                let run = seen.withLock { seen in
                    seen.append(version)
                    return seen.count
                }
                if run <= 2 { try await accounts.execute(.deposit(100), on: "a") }
                try await transaction.execute(.depositEach([1, 2]), on: "a", of: Account.self)
                try await transaction.execute(.deposit(5), on: "b", of: Account.self)
            }
            #expect(seen.withLock { $0 } == [1, 2, 3])
            #expect(try await accounts.load("a").state == Account(balance: 213, entries: 5))
            #expect(try await accounts.load("b").version == 1)
            let audit = try await JournalAudit(store.raw)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
        }
    }

    @Test("rivals that always come first are a conflict when the time for trying is over", .timeLimit(.minutes(1)))
    func rivalsForEver() async throws {
        try await withTestStore(configure: { $0.commitTimeout = .milliseconds(200) }) { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(10), on: "a")
            let error = await #expect(throws: DaybookError.self) {
                try await store.transaction { transaction in
                    _ = try await transaction.load("a", of: Account.self)
                    try await accounts.execute(.deposit(1), on: "a")
                    try await transaction.execute(.deposit(1_000), on: "a", of: Account.self)
                }
            }
            #expect(error?.code == .conflict)
            #expect(try await accounts.load("a").state.balance < 1_000)
        }
    }

    @Test("a server error that the closure swallows ends the transaction all the same", .timeLimit(.minutes(1)))
    func swallowedError() async throws {
        // The fail point goes by this name: no other test's connections have it.
        let name = "swallowed-\(UUID().uuidString)"
        try await withTestStore(configure: { $0.appName = name }) { store in
            let raw = store.raw
            let swallowed = Mutex<[DaybookError]>([])
            let error = await #expect(throws: DaybookError.self) {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                    _ = try await raw.read(
                        [
                            "configureFailPoint": "failCommand", "mode": ["times": 1],
                            "data": ["failCommands": ["find"], "errorCode": 8_000, "appName": .string(name)],
                        ], database: "admin")
                    for key in ["b", "c"] {
                        do {
                            _ = try await transaction.load(key, of: Account.self)
                        } catch let error as DaybookError {
                            swallowed.withLock { $0.append(error) }
                        }
                    }
                    try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                }
            }
            #expect(
                swallowed.withLock { $0.map(\.code) } == [.server, .server], "the first error is thrown again and again"
            )
            #expect(error?.code == .server)
            #expect(error?.message.contains("8000") == true, "\(String(describing: error))")
            let events = try await store.raw.documents(in: "journal")
            #expect(events.isEmpty)
            try await store.transaction { try await $0.execute(.deposit(1), on: "a", of: Account.self) }
            #expect(try await store.repository(Account.self).load("a").version == 1)
        }
    }

    @Test("a transaction that is used after its end is refused")
    func usedAfterTheEnd() async throws {
        try await withTestStore { store in
            let kept = try await store.transaction { transaction in
                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                return transaction
            }
            let execute = await #expect(throws: DaybookError.self) {
                try await kept.execute(.deposit(1), on: "a", of: Account.self)
            }
            #expect(execute?.code == .invalidTransaction)
            let load = await #expect(throws: DaybookError.self) { try await kept.load("a", of: Account.self) }
            #expect(load?.code == .invalidTransaction)
            #expect(try await store.raw.documents(in: "journal").count == 1)
        }
    }

    @Test("a transaction that failed is over too")
    func usedAfterFailure() async throws {
        try await withTestStore { store in
            let kept = Mutex<DaybookTransaction?>(nil)
            await #expect(throws: Changed()) {
                try await store.transaction { transaction in
                    kept.withLock { $0 = transaction }
                    throw Changed()
                }
            }
            let transaction = try #require(kept.withLock { $0 })
            let error = await #expect(throws: DaybookError.self) {
                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
            }
            #expect(error?.code == .invalidTransaction)
            #expect(try await store.raw.documents(in: "journal").isEmpty)
        }
    }

    @Test("two kinds of aggregate that share a type cannot meet in one transaction")
    func sharedType() async throws {
        try await withTestStore { store in
            let error = await #expect(throws: DaybookError.self) {
                try await store.transaction { transaction in
                    try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                    try await transaction.execute(.deposit(1), on: "a", of: Book<Impostor>.self)
                }
            }
            #expect(error?.code == .invalidTransaction)
            let events = try await store.raw.documents(in: "journal")
            #expect(events.isEmpty)
        }
    }

    private enum Impostor: BookKind {
        static var type: AggregateType { Account.type }
        static var lifecycle: Lifecycle { .inline }
    }
}
