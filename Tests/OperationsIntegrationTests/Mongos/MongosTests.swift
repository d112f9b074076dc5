@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// The router that the other suites of this folder stand on.
@Suite("A stand-in for mongos", .timeLimit(.minutes(2)))
struct MongosTests {
    private func withClient<R: Sendable>(
        _ options: String..., body: (MongoClient, Mongos, FaultProxy, DriverFixture) async throws -> R
    ) async throws -> R {
        let mongos = Mongos()
        return try await withDriverFixture { fixture in
            try await fixture.withProxy(as: [mongos]) { proxy in
                var address = try ServerAddress(fixture.uri(through: proxy, isDirect: false))
                address.options += options
                let client = try MongoClient(uri: address.uri)
                let result = try await body(client, mongos, proxy, fixture)
                await client.close()
                return result
            }
        }
    }

    @Test(
        "the stand-in for mongos is a sharded cluster to the driver: retryable writes, and a commit with the recovery token"
    )
    func topology() async throws {
        try await withClient { client, _, proxy, fixture in
            let things = fixture.namespace()
            try await client.withConnection(.transaction) { connection in
                let hello = try connection.read(["hello": 1], database: "admin")
                #expect(hello["msg"] == "isdbgrid" && hello["setName"] == nil && hello["hosts"] == nil)
                try connection.insert([["_id": 1]], into: things)
                try connection.beginTransaction()
                try connection.insert([["_id": 2]], into: things)
                try connection.commitTransaction()
            }
            let inserts = proxy.exchanges.filter { $0.command == "insert" }
            #expect(inserts.first?.request["txnNumber"] != nil && inserts.first?.request["lsid"] != nil)
            let commit = try #require(proxy.exchanges.last { $0.command == "commitTransaction" })
            #expect(commit.request.string(at: "recoveryToken.recoveryShardId") == "shard-1")
            #expect(try await fixture.ids() == [1, 2])
        }
    }

    @Test("the stand-in for mongos carries every flow of a store")
    func store() async throws {
        try await withMongos { store, _, _, fixture in
            try await store.repository(Account.self).execute(.deposit(2), on: "a", commandID: "c")
            try await store.repository(Account.self).execute(.deposit(2), on: "a", commandID: "c")
            try await store.transaction { transaction in
                try await transaction.execute(.deposit(3), on: "a", of: Account.self)
                try await transaction.execute(.deposit(4), on: "b", of: Account.self)
            }
            try await store.repository(Tally.self).execute(.deposit(5), on: "t")
            try await store.repository(Tally.self).waitForSnapshot("t", version: 1)
            try await store.repository(Meter.self).execute(.depositEach([6, 7]), on: "m")
            try await expectDeposits([1, 2, 3], on: "a", fixture)
            try await expectDeposits([4], on: "b", fixture)
            #expect(try await store.verify().isClean)
            #expect(
                await store.diagnose().checks.contains { $0.name == "server" && $0.detail.contains("sharded cluster") })
        }
    }

    @Test(
        "the stand-in for mongos reports the lost answer of a shard as errors of its writes alone",
        arguments: FaultProxy.Fault.ShardFate.allCases)
    func lostShard(fate: FaultProxy.Fault.ShardFate) async throws {
        try await withClient("retryWrites=false") { client, _, proxy, fixture in
            try await fixture.insert([["_id": .int32(1)]])
            let isOdd: @Sendable (BSONDocument) -> Bool = { [1, 3, 5].contains($0.integer(at: "_id") ?? 0) }
            proxy.fail("insert", .lostShard(91, fate, holding: isOdd))
            let result = try await client.bulk(
                (0..<7).map { .insert(["_id": .int32($0)]) }, ordered: false, in: fixture.namespace())
            let codes = result.outcomes.map { outcome -> Int32? in
                switch outcome {
                case .failed(let error), .unknown(let error): error.serverCode
                case .done, .notSent: nil
                }
            }
            #expect(codes == (0..<7).map { fate == .doneLater || $0 % 2 == 1 ? 91 : nil })
            let others: [Int32] = fate == .doneLater ? [] : [0, 2, 4, 6]
            let before = ([1] + others + (fate == .done ? [3, 5] : [])).map { BSONValue.int32($0) }
            #expect(Set(try await fixture.ids()) == Set(before))
            await proxy.release()
            #expect(
                try await fixture.ids() == (fate == .notDone ? [0, 1, 2, 4, 6].map { .int32($0) } : numbers(0..<7)))
        }
    }

    @Test("the stand-in for mongos reports to an ordered bulk only the first of the writes whose answer is lost")
    func orderedLostShard() async throws {
        try await withClient("retryWrites=false") { client, _, proxy, fixture in
            proxy.fail("insert", .lostShard(6, .done) { ($0.integer(at: "_id") ?? 0) > 1 })
            let result = try await client.bulk(
                (0..<4).map { .insert(["_id": .int32($0)]) }, ordered: true, in: fixture.namespace())
            #expect(result.fates[..<2] == [.done, .done] && result.fates[2] != .done && result.fates[3] != .done)
            #expect(try await fixture.ids() == numbers(0..<4))
        }
    }

    @Test(
        "the stand-in for mongos hides the half of a commit from reads, and from no write or transaction, until it is shown"
    )
    func half() async throws {
        try await withClient { client, mongos, _, fixture in
            try await fixture.insert([["_id": 1], ["_id": 2]])
            mongos.hide(["_id": 2], in: "things")
            let things = fixture.namespace()
            try await client.withConnection(.transaction) { connection in
                func ids(_ connection: isolated MongoConnection) throws -> [BSONValue?] {
                    try connection.documents(in: things).map { $0["_id"] }
                }
                #expect(try ids(connection) == [1])
                #expect(try connection.count([:], in: things) == 1)
                let error = #expect(throws: MongoError.self) { try connection.insert([["_id": 2]], into: things) }
                #expect(error?.code == .duplicateKey)
                try connection.beginTransaction()
                #expect(try ids(connection) == [1, 2])
                connection.endTransaction()
                mongos.show()
                #expect(try ids(connection) == [1, 2])
            }
        }
    }

    @Test(
        "the stand-in for mongos delays change streams while a shard is silent, and returns each event once afterwards")
    func coldShard() async throws {
        try await withClient { client, mongos, _, fixture in
            try await fixture.insert([["_id": 0]])
            let changes = client.changes(of: fixture.database, maximumWait: .milliseconds(20)) {
                try $0.first("documentKey")?.document().first("_id")?.value() ?? .null
            }
            let iterator = changes.makeAsyncIterator()
            try await iterator.open()
            func next() async throws -> BSONValue? {
                while let element = try await iterator.next() { if case .change(let id, _) = element { return id } }
                return nil
            }
            try await fixture.insert([["_id": 1]])
            #expect(try await next() == 1)
            mongos.chill()
            try await fixture.insert([["_id": 2], ["_id": 3]])
            var tokens: Set<ResumeToken> = []
            while mongos.heldEvents < 2 || mongos.emptyBatches < 5 {
                guard case .idle(let token)? = try await iterator.next() else {
                    Issue.record("an event came from a stream that waits for a cold shard")
                    break
                }
                tokens.insert(token)
            }
            // The place of the stream is before what is held back.
            let resumed = client.changes(
                of: fixture.database, resumeAfter: tokens.removeFirst(), maximumWait: .milliseconds(20)
            ) { try $0.first("documentKey")?.document().first("_id")?.value() ?? .null }
            mongos.warm()
            #expect(try await [next(), next()] == [2, 3])
            var again: [BSONValue] = []
            for try await case .change(let id, _) in resumed {
                again.append(id)
                if again.count == 2 { break }
            }
            #expect(again == [2, 3])
        }
    }

    @Test("the stand-in for mongos replies to a commit as configured, whatever its outcome", arguments: [true, false])
    func commit(isDone: Bool) async throws {
        try await withClient { client, _, proxy, fixture in
            proxy.fail("commitTransaction", .error(251, concern: 64, work: isDone ? .everything : .abort))
            let things = fixture.namespace()
            try await fixture.insert([["_id": .int32(0)]])
            try await client.withConnection(.transaction) { connection in
                try connection.beginTransaction()
                try connection.insert([["_id": .int32(1)]], into: things)
                let error = #expect(throws: MongoError.self) { try connection.commitTransaction() }
                #expect(error?.serverCode == 251 && error?.labels.contains(.transientTransaction) == false)
                connection.endTransaction()
            }
            #expect(try await fixture.ids() == numbers(0..<(isDone ? 2 : 1)))
        }
    }
}
