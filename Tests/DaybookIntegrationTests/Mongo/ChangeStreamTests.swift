import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("A change stream", .timeLimit(.minutes(2)))
struct ChangeStreamTests {
    private struct Undecodable: Error {}

    /// The `_id` of the document that was inserted, updated or deleted.
    @Sendable private static func changedID(_ change: BorrowedDocument) throws -> Int32 {
        try change.first("documentKey")?.document().first("_id")?.int32() ?? -1
    }

    private func withClient<R: Sendable>(_ body: (MongoClient, DriverFixture) async throws -> R) async throws -> R {
        try await withDriverFixture { fixture in
            let client = try MongoClient(uri: fixture.uri())
            _ = try await fixture.run(["create": "things"])
            let result = try await body(client, fixture)
            await client.close()
            return result
        }
    }

    private func changes(
        _ client: MongoClient, _ fixture: DriverFixture, matching filter: BSONDocument? = nil,
        after token: ResumeToken? = nil, maximumWait: Duration = .milliseconds(100)
    ) -> ChangeStream<Int32>.Iterator {
        client.changes(
            of: fixture.database, matching: filter, resumeAfter: token, maximumWait: maximumWait,
            decode: Self.changedID
        ).makeAsyncIterator()
    }

    /// The next `count` changes, with the token behind each; idle elements are skipped.
    private func next<Change: Sendable>(
        _ count: Int, of iterator: ChangeStream<Change>.Iterator
    ) async throws -> [(change: Change, token: ResumeToken)] {
        var found: [(change: Change, token: ResumeToken)] = []
        while found.count < count, let element = try await iterator.next() {
            if case .change(let change, let token) = element { found.append((change, token)) }
        }
        return found
    }

    @Test("a change stream returns every change after its opening, in order, of every kind")
    func order() async throws {
        try await withClient { client, fixture in
            try await fixture.insert([["_id": .int32(999)]])
            let stream = client.changes(of: fixture.database, maximumWait: .milliseconds(100)) { change in
                (try change.first("operationType")?.string() ?? "", try Self.changedID(change))
            }
            let iterator = stream.makeAsyncIterator()
            try await iterator.open()
            try await fixture.insert((0..<300).map { ["_id": .int32($0)] })
            let namespace = fixture.namespace()
            try await fixture.witness.withConnection(.single) { connection in
                try connection.updateOne(["_id": .int32(5)], with: ["$set": ["n": 1]], in: namespace)
                try connection.replaceOne(["_id": .int32(6)], with: ["n": 2], in: namespace)
                _ = try connection.deleteOne(["_id": .int32(7)], in: namespace)
            }
            let found = try await next(303, of: iterator).map(\.change)
            #expect(found.prefix(300).map(\.1) == Array(0..<300))
            #expect(found.prefix(300).allSatisfy { $0.0 == "insert" })
            #expect(found.suffix(3).map(\.0) == ["update", "replace", "delete"])
            #expect(found.suffix(3).map(\.1) == [5, 6, 7])
        }
    }

    @Test(
        "a change stream reads on the primary with read concern majority, whatever the URI says",
        arguments: [
            "readConcernLevel=local", "readConcernLevel=available", "readConcernLevel=linearizable",
            "readConcernLevel=snapshot",
            "readPreference=secondary", "readPreference=nearest&readPreferenceTags=dc:north",
        ])
    func statesItsReads(_ option: String) async throws {
        try await withDriverFixture { fixture in
            _ = try await fixture.run(["create": "things"])
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy, option))
                let iterator = changes(client, fixture)
                try await iterator.open()
                let request = try #require(proxy.exchanges.last { $0.command == "aggregate" }?.request)
                #expect(request["readConcern"] == ["level": "majority"])
                // libmongoc adds primaryPreferred where the URI asks for one server, and states nothing where it asks a
                // replica set's primary.
                if case .document(let preference)? = request["$readPreference"] {
                    #expect(preference == ["mode": "primaryPreferred"])
                }
                await client.close()
            }
        }
    }

    @Test("a change stream returns a transaction's changes once it has committed, and none of one that was aborted")
    func transactions() async throws {
        try await withClient { client, fixture in
            let iterator = changes(client, fixture)
            try await iterator.open()
            let namespace = fixture.namespace()
            try await client.withConnection(.transaction) { connection in
                try connection.beginTransaction()
                try connection.insert([["_id": .int32(1)]], into: namespace)
            }
            try await client.withConnection(.transaction) { connection in
                try connection.beginTransaction()
                try connection.insert([["_id": .int32(2)], ["_id": .int32(3)]], into: namespace)
                try connection.commitTransaction()
            }
            #expect(try await next(2, of: iterator).map(\.change) == [2, 3])
        }
    }

    @Test("a change stream resumes exactly after the change of its token")
    func resume() async throws {
        try await withClient { client, fixture in
            var tokens: [ResumeToken] = []
            do {
                let iterator = changes(client, fixture)
                try await iterator.open()
                try await fixture.insert((0..<20).map { ["_id": .int32($0)] })
                tokens = try await next(20, of: iterator).map(\.token)
            }
            #expect(Set(tokens).count == 20)
            for place in [0, 9, 18] {
                let resumed = changes(client, fixture, after: tokens[place])
                #expect(try await next(1, of: resumed).map(\.change) == [Int32(place) + 1])
            }
            // Behind the last one there is nothing, until there is.
            let resumed = changes(client, fixture, after: tokens[19])
            guard case .idle = try #require(await resumed.next()) else {
                Issue.record("something came twice")
                return
            }
            try await fixture.insert([["_id": .int32(20)]])
            #expect(try await next(1, of: resumed).map(\.change) == [20])
        }
    }

    @Test("a change stream's token advances while its collection does not change, and the stream resumes from it")
    func idle() async throws {
        try await withClient { client, fixture in
            let things: BSONDocument = ["ns.coll": "things"]
            let iterator = changes(client, fixture, matching: things)
            try await iterator.open()
            let first = try #require(await iterator.next()?.token)
            var last = first
            // Something happens, but elsewhere.
            let moved = try await eventually("the token moves") {
                try await fixture.insert([["n": 1]], into: "elsewhere")
                guard case .idle(let token) = try #require(await iterator.next()) else { return false }
                last = token
                return last != first
            }
            #expect(moved)
            try await fixture.insert([["_id": .int32(1)]])
            let resumed = changes(client, fixture, matching: things, after: last)
            #expect(try await next(1, of: resumed).map(\.change) == [1])
        }
    }

    @Test("a change that cannot be decoded is not lost: the last token leads to it again")
    func undecodable() async throws {
        try await withClient { client, fixture in
            let failing = client.changes(of: fixture.database, maximumWait: .milliseconds(100)) { change in
                let id = try Self.changedID(change)
                if id == 2 { throw Undecodable() }
                return id
            }.makeAsyncIterator()
            try await failing.open()
            try await fixture.insert((0..<4).map { ["_id": .int32($0)] })
            let seen = try await next(2, of: failing)
            #expect(seen.map(\.change) == [0, 1])
            await #expect(throws: Undecodable.self) { try await failing.next() }
            let resumed = changes(client, fixture, after: try #require(seen.last?.token))
            #expect(try await next(2, of: resumed).map(\.change) == [2, 3])
        }
    }

    @Test("a change stream ends soon after its task is cancelled, and frees its connection")
    func cancelled() async throws {
        try await withClient { client, fixture in
            let gate = Gate(waitingFor: 2)
            let namespace = fixture.namespace()
            let task = Task {
                let iterator = client.changes(of: namespace.database, maximumWait: .milliseconds(200)) { _ in 0 }
                    .makeAsyncIterator()
                try await iterator.open()
                await gate.pass()
                while try await iterator.next() != nil {}
            }
            await gate.pass()
            let begin = ContinuousClock.now
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            // 200 ms at most, and what a busy machine adds.
            #expect(ContinuousClock.now - begin < .seconds(20))
            #expect(await canOpenAll(client, fixture))
        }
    }

    @Test("change streams are not limited by the permits, and the cursor of an abandoned one is closed")
    func places() async throws {
        try await withClient { client, fixture in
            do {
                var open: [ChangeStream<Int32>.Iterator] = []
                for _ in 0..<16 {
                    let iterator = changes(client, fixture)
                    try await iterator.open()
                    open.append(iterator)
                }
                // There once was a limit of sixteen, and a program with more async types could not look after them.
                let seventeenth = changes(client, fixture)
                try await seventeenth.open()
                // Streams are outside the permits: everything else goes on.
                try await client.withConnection(.single) { _ = try $0.read(["ping": 1], database: "admin") }
                open.removeLast()
            }
            #expect(await canOpenAll(client, fixture))
            #expect(client.connectionsInUse == 0)
        }
    }

    /// Whether all places for streams are, or become, free.
    private func canOpenAll(_ client: MongoClient, _ fixture: DriverFixture) async -> Bool {
        await eventually("all places are free") {
            var open: [ChangeStream<Int32>.Iterator] = []
            do {
                for _ in 0..<16 {
                    let iterator = changes(client, fixture)
                    try await iterator.open()
                    open.append(iterator)
                }
                return true
            } catch {
                return false
            }
        }
    }

    @Test("an abandoned change stream closes its cursor on the server")
    func abandoned() async throws {
        try await withDriverFixture { fixture in
            _ = try await fixture.run(["create": "things"])
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                do {
                    let iterator = changes(client, fixture)
                    try await iterator.open()
                    _ = try await iterator.next()
                }
                await eventually("killCursors is sent") { proxy.count("killCursors") == 1 }
                let opened = proxy.exchanges.first { $0.command == "aggregate" }?.reply?["cursor"]
                let killed = proxy.exchanges.first { $0.command == "killCursors" }?.request["cursors"]
                guard case .document(let cursor) = opened, case .array(let ids) = killed else {
                    Issue.record("no cursor was opened, or none closed")
                    return
                }
                let id = try #require(cursor["id"])
                #expect(ids == [id])
                await client.close()
            }
        }
    }

    @Test("a change stream with a pipeline returns what passes it, in the pipeline's shape")
    func pipeline() async throws {
        try await withClient { client, fixture in
            let iterator = client.changes(
                of: fixture.database, matching: ["fullDocument.n": ["$gte": .int32(2)]],
                maximumWait: .milliseconds(100),
                decode: Self.changedID
            ).makeAsyncIterator()
            try await iterator.open()
            try await fixture.insert((0..<4).map { ["_id": .int32($0), "n": .int32($0)] })
            #expect(try await next(2, of: iterator).map(\.change) == [2, 3])
        }
    }

    // MARK: Faults

    @Test(
        "a change stream continues after its connection was closed, without losing or repeating a change",
        arguments: ["fail point", "lost reply", "lost request"])
    func closedConnection(how: String) async throws {
        try await withDriverFixture { fixture in
            _ = try await fixture.run(["create": "things"])
            try await fixture.withProxy { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy))
                let iterator = changes(client, fixture)
                try await iterator.open()
                try await fixture.insert((0..<3).map { ["_id": .int32($0)] })
                #expect(try await next(3, of: iterator).map(\.change) == [0, 1, 2])
                var found: [Int32] = []
                switch how {
                case "fail point":
                    found = try await fixture.withFailPoint { failPoint in
                        try await failPoint.set(.times(1), ["getMore"], ["closeConnection": true])
                        try await fixture.insert((3..<6).map { ["_id": .int32($0)] })
                        return try await next(3, of: iterator).map(\.change)
                    }
                default:
                    proxy.fail("getMore", how == "lost reply" ? .dropReply : .dropRequest)
                    try await fixture.insert((3..<6).map { ["_id": .int32($0)] })
                    found = try await next(3, of: iterator).map(\.change)
                    #expect(proxy.faults == 1)
                }
                #expect(found == [3, 4, 5])
                #expect(proxy.count("aggregate") == 2)
                await client.close()
            }
        }
    }

    @Test("a change stream that the server refuses fails at its opening")
    func refused() async throws {
        try await withClient { client, fixture in
            let iterator = client.changes(of: fixture.database, matching: ["$noSuchOperator": 1]) { _ in 0 }
                .makeAsyncIterator()
            let error = await #expect(throws: MongoError.self) { try await iterator.open() }
            #expect(error?.code == .server)
            #expect(error?.operation == "watch")
            #expect(error?.namespace == fixture.database)
            #expect(await canOpenAll(client, fixture))
        }
    }

    @Test("a change stream with an invalid token fails at its opening, and not later")
    func badToken() async throws {
        try await withClient { client, fixture in
            let iterator = changes(client, fixture, after: ResumeToken(["_data": "82"]))
            let error = await #expect(throws: MongoError.self) {
                try await iterator.open()
                _ = try await iterator.next()
            }
            #expect(error?.serverCode != nil)
        }
    }
}
