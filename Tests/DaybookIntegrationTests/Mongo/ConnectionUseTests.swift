@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

extension HeavyLoad {
    /// Connections: how they run out, and that they come back.
    @Suite struct ConnectionUseTests {
        /// Three connections: one each for single operations, transactions and cursors.
        private func withNarrowStore(
            timeout: Duration = .seconds(30), connections: Int = 3, _ body: (DaybookStore) async throws -> Void
        ) async throws {
            try await withTestStore(configure: {
                $0.connectionTimeout = timeout
                $0.maximumConnections = connections
            }) { store in
                try await body(store)
                #expect(await store.returnsEveryConnection())
            }
        }

        /// Snapshots of accounts `k-0`, `k-1` ..., with events: more than one batch of a cursor holds.
        private func fill(_ store: DaybookStore, count: Int = 600) async throws {
            var (events, snapshots) = ([BSONDocument](), [BSONDocument]())
            try await store.repository(Account.self).execute(.deposit(0), on: "model")
            let event = try #require(try await store.raw.documents(in: "journal").first)
            let snapshot = try #require(try await store.raw.documents(in: "snapshots.account").first)
            for index in 0..<count {
                // Ids that follow the model's, as ids of the same moment do.
                guard case .binary(var binary) = event["_id"] else { throw RawDatabase.NoMatch() }
                binary.bytes.replaceSubrange(14..<16, with: [UInt8(index >> 8), UInt8(index & 0xFF)])
                let eventID = BSONValue.binary(binary)
                let id = BSONValue.string("account/k-\(index)")
                events.append(try event.setting("_id", to: eventID).setting("aggregateId", to: id))
                snapshots.append(try snapshot.setting("_id", to: id).setting("head", to: ["eventId": eventID]))
            }
            try await store.raw.insert(events, into: "journal")
            try await store.raw.insert(snapshots, into: "snapshots.account")
        }

        @Test(
            "an operation that finds every connection busy fails after the time that was set", .timeLimit(.minutes(1)))
        func exhausted() async throws {
            try await withNarrowStore(timeout: .milliseconds(200)) { store in
                let accounts = store.repository(Account.self)
                try await accounts.execute(.deposit(1), on: "a")
                let (started, end) = (Signal(), Signal())
                let (second, otherEnd) = (Signal(), Signal())
                async let holder: Void = store.transaction { transaction in
                    try await transaction.execute(.deposit(1), on: "b", of: Account.self)
                    started.send()
                    await end.wait()
                }
                async let other: Void = store.transaction { transaction in
                    try await transaction.execute(.deposit(1), on: "c", of: Account.self)
                    second.send()
                    await otherEnd.wait()
                }
                await started.wait()
                await second.wait()
                // A store has four connections at least, and transactions may use two of them.
                #expect(store.client.connectionsInUse == 2)
                let begin = ContinuousClock.now
                let error = await #expect(throws: DaybookError.self) {
                    try await accounts.execute(.deposit(1), on: "a")
                }
                #expect(error?.code == .poolExhausted)
                #expect(error?.message.contains("maxPoolSize") == true)
                #expect(ContinuousClock.now - begin >= .milliseconds(200))
                // Loads have a connection in reserve that transactions cannot take.
                #expect(try await accounts.load("a").version == 1)
                end.send()
                otherEnd.send()
                try await holder
                try await other
                #expect(try await accounts.execute(.deposit(1), on: "a")?.version == 2)
            }
        }

        @Test("an operation that waits for a connection gets the next one that is free", .timeLimit(.minutes(1)))
        func waits() async throws {
            try await withNarrowStore { store in
                let accounts = store.repository(Account.self)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 1...40 { group.addTask { try await accounts.execute(.deposit(1), on: "a-\(task)") } }
                    try await group.waitForAll()
                }
                #expect(try await JournalAudit(store.raw).events.count == 40)
            }
        }

        @Test("an abandoned iterator gives its connection back", .timeLimit(.minutes(1)))
        func abandonedIterator() async throws {
            try await withNarrowStore { store in
                try await fill(store)
                let accounts = store.repository(Account.self)
                for _ in 1...10 {
                    // With one connection for cursors, each query begins when the one before has given it back.
                    var iterator = accounts.query().makeAsyncIterator()
                    #expect(try await iterator.next() != nil)
                    // Other work of the store takes another one for a moment.
                    let isAlone = await eventually("one is in use") { store.client.connectionsInUse == 1 }
                    #expect(isAlone)
                }
                for try await _ in accounts.query() { break }
                #expect(await store.returnsEveryConnection())
                var count = 0
                for try await _ in accounts.query() { count += 1 }
                #expect(count == 601)
                #expect(store.client.connectionsInUse == 0)
            }
        }

        @Test("an iterator that was never asked holds no connection")
        func idleIterator() async throws {
            try await withNarrowStore { store in
                let accounts = store.repository(Account.self)
                let iterators = (1...10).map { _ in accounts.query().makeAsyncIterator() }
                try await accounts.execute(.deposit(1), on: "a")
                #expect(store.client.connectionsInUse == 0)
                for var iterator in iterators { #expect(try await iterator.next()?.version == 1) }
            }
        }

        @Test(
            "100 loops over a query that execute commands inside come to an end on 4 connections",
            .timeLimit(.minutes(2)))
        func loopsThatExecute() async throws {
            try await withNarrowStore(timeout: .seconds(100), connections: 4) { store in
                try await fill(store, count: 300)
                let accounts = store.repository(Account.self)
                let executed = Recorder<AggregateID>()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<100 {
                        group.addTask {
                            var seen = 0
                            // More snapshots than one batch holds: the cursor stays open while commands are executed.
                            for try await snapshot in accounts.query(matching: ["_id": ["$ne": "account/model"]]) {
                                seen += 1
                                if seen == task % 50 + 1 || seen == 299 {
                                    try await accounts.execute(.deposit(1), on: snapshot.id.key)
                                    executed.record(snapshot.id)
                                }
                                if task.isMultiple(of: 2), seen == 100 { break }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(executed.all.count == 150)
                var balance = 0
                for try await snapshot in accounts.query() { balance += snapshot.state.balance }
                #expect(balance == 150)
            }
        }

        @Test(
            "a transaction whose closure loads and queries outside of it comes to an end on 3 connections",
            .timeLimit(.minutes(1)))
        func transactionsThatRead() async throws {
            try await withNarrowStore { store in
                let accounts = store.repository(Account.self)
                try await accounts.execute(.deposit(1), on: "a")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 1...20 {
                        group.addTask {
                            try await store.transaction { transaction in
                                try await transaction.execute(.deposit(1), on: "b-\(task)", of: Account.self)
                                _ = try await accounts.load("a")
                                for try await _ in accounts.query(limit: 1) {}
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await JournalAudit(store.raw).events.count == 21)
            }
        }

        @Test("tasks that are cancelled leave no connection checked out, and commits whole", .timeLimit(.minutes(1)))
        func cancelled() async throws {
            try await withNarrowStore(connections: 5) { store in
                try await fill(store, count: 300)
                let accounts = store.repository(Account.self)
                let committed = Recorder<String>()
                let tasks = (0..<60).map { index in
                    Task {
                        for round in 0..<1_000 {
                            switch index % 4 {
                            case 0:
                                try await accounts.execute(
                                    .depositEach([1, 2]), on: "c-\(index)", commandID: "\(index)-\(round)")
                                committed.record("\(index)-\(round)")
                            case 1: for try await _ in accounts.query(matching: ["_id": ["$lt": "account/m"]]) {}
                            case 2:
                                try await store.transaction { transaction in
                                    for key in ["x-\(index)-1", "x-\(index)-2"] {
                                        try await transaction.execute(.deposit(1), on: key, of: Account.self)
                                    }
                                }
                            default: _ = try await accounts.load("k-\(round % 300)")
                            }
                        }
                    }
                }
                // Cancelled one by one while they work: some wait for a connection, some are inside a commit.
                for task in tasks {
                    _ = try await accounts.load("k-1")
                    task.cancel()
                }
                for task in tasks {
                    guard case .failure(let error) = await task.result else {
                        Issue.record("a task was over before it was cancelled")
                        continue
                    }
                    #expect(error is CancellationError, "\(error)")
                }
                #expect(await store.returnsEveryConnection())
                let audit = try await JournalAudit(store.raw, keysBeginningWith: "c-")
                #expect(audit.faults.isEmpty, "\(audit.faults)")
                let missing = committed.all.filter { !audit.has(commandID: $0) }
                #expect(missing.isEmpty, "acknowledged and not there: \(missing)")
                #expect(try await JournalAudit(store.raw, keysBeginningWith: "x-").faults.isEmpty)
                #expect(try await accounts.execute(.deposit(1), on: "after")?.version == 1)
            }
        }
    }
}
