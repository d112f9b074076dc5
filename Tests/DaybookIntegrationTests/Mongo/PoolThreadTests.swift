import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// Each in a process of its own, whose threads are nobody else's.
@Suite("The threads of a pool", .serialized, .timeLimit(.minutes(3)))
struct PoolThreadTests {
    @Test(
        "a pool's threads stay few while 1,000 tasks each execute a command inside a loop over a query, and none waits for ever"
    )
    func loops() async {
        await #expect(processExitsWith: .success) {
            try await runLoops()
        }
    }

    @Test("a pool's threads end when a client is dropped without having been closed")
    func dropped() async {
        await #expect(processExitsWith: .success) {
            try await dropClient()
        }
    }
}

private func runLoops() async throws {
    try await withDriverFixture { fixture in
        var configuration = DaybookConfiguration(uri: try fixture.uri("maxPoolSize=8"), database: fixture.database)
        configuration.connectionTimeout = .seconds(120)
        configuration.commitTimeout = .seconds(120)
        try await withDaybook(configuration) { store in
            try await store.initialize(Account.self)
            let accounts = store.repository(Account.self)
            // More than one batch: the cursor is open, and holds its connection, while the loop's body executes.
            try await store.transaction { transaction in
                for key in 0..<110 { try await transaction.execute(.deposit(1), on: "k-\(key)", of: Account.self) }
            }
            let before = try #require(ThreadCount.now)
            let most = try await withThrowingTaskGroup(of: Int.self) { group in
                for task in 0..<Scale.loops {
                    group.addTask {
                        var (seen, threads) = (0, 0)
                        for try await _ in accounts.query() {
                            seen += 1
                            guard seen == 50 else { continue }
                            try await accounts.execute(.deposit(1), on: "k-\(task % 110)")
                            threads = ThreadCount.now ?? .max
                        }
                        #expect(seen == 110)
                        return threads
                    }
                }
                return try await group.reduce(0, max)
            }
            // Eight connections have a thread each; the rest is libmongoc's monitoring and the cooperative pool's
            // growth to a thread a core.
            let limit = before + 8 + 4 + ProcessInfo.processInfo.activeProcessorCount
            #expect(most <= limit)
            #expect(try await fixture.journal().count == 110 + Scale.loops)
        }
    }
}

private func dropClient() async throws {
    try await withDriverFixture { fixture in
        let before = try #require(ThreadCount.now)
        do {
            let client = try MongoClient(uri: fixture.uri("maxPoolSize=8"))
            let gate = Gate(waitingFor: 6)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await client.withConnection(.single) { connection in
                            _ = try connection.read(["ping": 1], database: "admin")
                            await gate.pass()
                        }
                    }
                }
                try await group.waitForAll()
            }
            let iterator = client.changes(of: fixture.database) { _ in 0 }.makeAsyncIterator()
            try await iterator.open()
            let opened = try #require(ThreadCount.now)
            #expect(opened >= before + 7)
        }
        await eventually("every thread has ended") { ThreadCount.now == before }
        #expect(ThreadCount.now == before)
    }
}
