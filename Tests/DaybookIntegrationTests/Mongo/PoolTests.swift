import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing
import TestSupport

@Suite("A pool of connections", .timeLimit(.minutes(2)))
struct PoolTests {
    private func withClient<R: Sendable>(
        size: Int, waitTimeout: Duration = .seconds(10), _ body: (MongoClient, DriverFixture) async throws -> R
    ) async throws -> R {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri("maxPoolSize=\(size)"), waitTimeout: waitTimeout)
            let result = try await body(client, fixture)
            await client.close()
            return result
        }
    }

    /// Holds `count` connections while `body` runs.
    private func holding(
        _ count: Int, _ purpose: MongoClient.Purpose, of client: MongoClient, _ body: () async throws -> Void
    ) async throws {
        let (arrived, over) = (Gate(waitingFor: count + 1), Gate(waitingFor: count + 1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
                group.addTask {
                    try await client.withConnection(purpose) { _ in
                        await arrived.pass()
                        await over.pass()
                    }
                }
            }
            await arrived.pass()
            do {
                try await body()
            } catch {
                await over.pass()
                throw error
            }
            await over.pass()
            try await group.waitForAll()
        }
    }

    @Test("an exhausted pool fails at its deadline, not before, and then says what to do")
    func exhausted() async throws {
        try await withClient(size: 3, waitTimeout: .milliseconds(200)) { client, _ in
            try await holding(1, .single, of: client) {
                #expect(client.connectionsInUse == 1)
                let begin = ContinuousClock.now
                let error = await #expect(throws: MongoError.self) { try await client.withConnection(.single) { _ in } }
                #expect(error?.code == .poolExhausted)
                #expect(error?.message.contains("maxPoolSize") == true)
                #expect(ContinuousClock.now - begin >= .milliseconds(200))
                // The other kinds have their reserve.
                try await client.withConnection(.transaction) { _ in }
                #expect(client.connectionsInUse == 1)
            }
            #expect(client.connectionsInUse == 0)
            try await client.withConnection(.single) { _ in }
        }
    }

    @Test("a pool serves waiting tasks in order of arrival, each once")
    func waiting() async throws {
        try await withClient(size: 3) { client, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await client.withConnection(.single) { _ = try $0.read(["ping": 1], database: "admin") }
                    }
                }
                try await group.waitForAll()
            }
            #expect(client.connectionsInUse == 0)
        }
    }

    @Test("a pool gets back every connection of tasks that are cancelled, waiting or working")
    func cancelled() async throws {
        try await withClient(size: 4) { client, fixture in
            try await fixture.insert((0..<50).map { ["_id": .int32($0)] })
            let namespace = fixture.namespace()
            var generator = SeededGenerator(seed: 7)
            for _ in 0..<10 {
                let tasks = (0..<30).map { number in
                    Task {
                        switch number % 3 {
                        case 0: _ = try await client.withConnection(.single) { try $0.count([:], in: namespace) }
                        case 1:
                            _ = try await client.withConnection(.transaction) { connection in
                                try connection.beginTransaction()
                                try connection.updateOne(
                                    ["_id": .int32(Int32(number))], with: ["$inc": ["n": 1]], in: namespace)
                                try Task.checkCancellation()
                                try connection.commitTransaction()
                            }
                        default:
                            for try await _ in client.find(
                                [:], in: namespace, options: FindOptions(batchSize: 2), decode: { _ in 0 })
                            {}
                        }
                    }
                }
                // Some have ended by then, some work, some wait.
                for _ in 0..<Int.random(in: 0..<200, using: &generator) { await Task.yield() }
                for task in tasks { task.cancel() }
                for task in tasks { _ = await task.result }
            }
            await eventually("nothing is checked out") { client.connectionsInUse == 0 }
            #expect(client.connectionsInUse == 0)
            // All four can still be had at once, as two of one kind and the reserves.
            try await holding(2, .single, of: client) {
                try await client.withConnection(.transaction) { _ in }
                try await client.withConnection(.cursor) { _ in }
            }
        }
    }

    @Test("a pool refuses a task that was cancelled before it asked")
    func cancelledBefore() async throws {
        try await withClient(size: 3) { client, _ in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                _ = try await client.withConnection(.single) { _ in Issue.record("it ran") }
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(client.connectionsInUse == 0)
        }
    }

    @Test("a pool that is closed during use finishes running operations, refuses all others, and nothing hangs")
    func closedDuringUse() async throws {
        try await withClient(size: 4) { client, fixture in
            try await fixture.insert((0..<50).map { ["_id": .int32($0)] })
            let namespace = fixture.namespace()
            let gate = Gate(waitingFor: 2)
            let working = Task {
                try await client.withConnection(.single) { connection in
                    await gate.pass()
                    await gate.pass()
                    return try connection.count([:], in: namespace)
                }
            }
            await gate.pass()
            let waiting = (0..<20).map { _ in
                Task { try await client.withConnection(.single) { try $0.count([:], in: namespace) } }
            }
            await client.close()
            await gate.pass()
            #expect(try await working.value == 50)
            for task in waiting {
                // It ran before the close, or was refused by it.
                switch await task.result {
                case .success(let count): #expect(count == 50)
                case .failure(let error): #expect((error as? MongoError)?.code == .closed)
                }
            }
            for purpose in [MongoClient.Purpose.single, .transaction, .cursor] {
                let error = await #expect(throws: MongoError.self) { try await client.withConnection(purpose) { _ in } }
                #expect(error?.code == .closed)
            }
            let stream = client.changes(of: namespace.database) { _ in 0 }.makeAsyncIterator()
            let error = await #expect(throws: MongoError.self) { try await stream.open() }
            #expect(error?.code == .closed)
            #expect(client.connectionsInUse == 0)
        }
    }

    @Test("a pool ends the transaction that its user left open")
    func leftOpen() async throws {
        try await withClient(size: 3) { client, fixture in
            try await fixture.insert([["_id": 1, "n": 0]])
            let namespace = fixture.namespace()
            try await client.withConnection(.transaction) { connection in
                try connection.beginTransaction()
                try connection.updateOne(["_id": 1], with: ["$inc": ["n": 1]], in: namespace)
            }
            #expect(try await fixture.documents().first?["n"] == 0)
            // The document is not locked any more.
            try await client.withConnection(.transaction) { connection in
                try connection.beginTransaction()
                try connection.updateOne(["_id": 1], with: ["$set": ["n": 2]], in: namespace)
                try connection.commitTransaction()
            }
            #expect(try await fixture.documents().first?["n"] == 2)
        }
    }

    @Test("a pool keeps its connections alive over more namespaces than it caches")
    func namespaces() async throws {
        try await withClient(size: 3) { client, fixture in
            for number in 0..<300 {
                let namespace = fixture.namespace("c\(number)")
                let found = try await client.withConnection(.single) { try $0.findOne([:], in: namespace) { _ in 1 } }
                #expect(found == nil)
            }
        }
    }
}
