@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// A shard's answer is lost, and the router reports each of its writes as failed, though the shard may have done them
/// and may do them yet.
@Suite("The lost answer of a shard", .timeLimit(.minutes(3)))
struct LostShardTests {
    typealias ShardFate = FaultProxy.Fault.ShardFate

    /// What a router knows of a shard whose answer it does not have:
    /// https://github.com/mongodb/mongo/blob/v7.0/src/mongo/base/error_codes.yml
    static let codes: [Int32] = [6, 7, 89, 91, 133, 189, 202, 262, 9001, 10107, 11600, 11602]

    @Test(
        "G2: the journal agrees with every report of a lost answer, and a repeated command is stored once",
        arguments: JournalPath.byInserts,
        ShardFate.allCases)
    func journal(path: JournalPath, fate: ShardFate) async throws {
        // A server that remembers the numbers of retryable writes would refuse one that comes after the next.
        try await withMongos(fate == .doneLater ? ["retryWrites=false"] : []) { store, _, proxy, fixture in
            for (index, code) in Self.codes.enumerated() {
                // Each second one is on an aggregate that the store keeps in memory.
                let write = try path.write(1_000 + index, on: "a-\(index / 2)", in: store, hasID: index % 3 == 0)
                proxy.fail("insert", .lostShard(code, fate))
                let report = try await write.run()
                try await expectAgreement([(write, report)], fixture, "code \(code)")
                await proxy.release()
                try await expectAgreement([(write, report)], fixture, "code \(code), released")
                guard path.isCompletedByRepetition else {
                    // The second answer was definite.
                    #expect(report == .committed)
                    continue
                }
                #expect(try await write.run() == .committed)
                try await expectAgreement([(write, .committed)], fixture, "code \(code), again")
            }
            #expect(proxy.faults == Self.codes.count)
        }
    }

    @Test(
        "G3: a lost answer of a shard is outcomeUnknown at the deadline, and the same command again takes effect once",
        arguments: ShardFate.allCases)
    func deadline(fate: ShardFate) async throws {
        try await withMongos(fate == .doneLater ? ["retryWrites=false"] : [], commitTimeout: .milliseconds(200)) {
            store, _, proxy, fixture in
            for (index, path) in [JournalPath.shared, .live].enumerated() {
                let write = try path.write(2_000 + index, on: "a", in: store)
                proxy.fail("insert", .lostShard(91, fate), times: .max)
                #expect(try await write.run() == .open)
                proxy.heal()
                await proxy.release()
                try await expectAgreement([(write, .open)], fixture)
                #expect(try await write.run() == .committed)
                try await expectAgreement([(write, .committed)], fixture)
            }
        }
    }

    @Test(
        "a lost answer of a shard does not affect those of a shared insert whose shard answered",
        arguments: ShardFate.allCases,
        [Int32(6), 133, 202])
    func part(fate: ShardFate, code: Int32) async throws {
        try await withMongos { store, _, proxy, fixture in
            // So that many share an insert: they gather while the first two are on their way.
            proxy.fail("insert", .hold, times: 2)
            proxy.fail(
                "insert",
                .lostShard(code, fate) { $0.string(at: "aggregateId")?.utf8.last.map { $0 % 2 == 0 } ?? false },
                times: 3)
            let writes = try (0..<40).map {
                try JournalPath.shared.write(3_000 + $0, on: "k-\($0)", in: store, hasID: false)
            }
            let reports = try await withThrowingTaskGroup(of: (JournalWrite, JournalWrite.Report).self) { group in
                for (index, write) in writes.enumerated() {
                    group.addTask { (write, try await write.run()) }
                    if index < 2 { await eventually("an insert of one is on its way") { proxy.held == index + 1 } }
                }
                let haveGathered = await eventually("the others gather") { store.committer.group.waitingCount == 38 }
                await proxy.release()
                #expect(haveGathered)
                return try await group.reduce(into: []) { $0.append((write: $1.0, report: $1.1)) }
            }
            await proxy.release()
            try await expectAgreement(reports, fixture)
            #expect(reports.allSatisfy { $0.report == .committed })
        }
    }

    @Test("a document that the validator refuses is not stored and not sent again, unlike one whose answer is lost")
    func refusal() async throws {
        try await withMongos { store, _, proxy, fixture in
            let write = try JournalPath.shared.write(4_000, on: "a", in: store)
            proxy.fail("insert", .lostShard(121, .notDone))
            #expect(try await write.run() == .failed(.server))
            #expect(proxy.count("insert") == 1)
            try await expectAgreement([(write, .failed(.server))], fixture)
        }
    }

    @Test(
        "a lost answer of a shard does not keep a snapshot from being written after its commit",
        arguments: ShardFate.allCases)
    func posts(fate: ShardFate) async throws {
        try await withMongos { store, _, proxy, fixture in
            for (index, code) in Self.codes.enumerated() {
                proxy.fail("update", .lostShard(code, fate))
                let key = "a-\(index / 2)"
                let commit = try await store.repository(Tally.self).execute(.deposit(1), on: key)
                let isThere = try await eventually("the snapshot is written, code \(code)") {
                    let snapshot = try await fixture.documents(in: "snapshots.tally").first {
                        $0["_id"] == .string("tally/\(key)")
                    }
                    return snapshot?["version"] == commit.map { .int64($0.version) }
                }
                #expect(isThere, "code \(code)")
                await proxy.release()
            }
            #expect(try await store.verify().isClean)
        }
    }

    @Test(
        "a lost answer of a shard does not make patch do harm, and patch again completes it",
        arguments: ShardFate.allCases)
    func patch(fate: ShardFate) async throws {
        try await withMongos { store, _, proxy, fixture in
            let accounts = store.repository(Account.self)
            for key in ["b", "c", "d"] { try await accounts.execute(.depositEach([2, 3]), on: key) }
            let right = Set(try await fixture.documents(in: "snapshots.account"))
            for code in Self.codes {
                let snapshots = fixture.namespace("snapshots.account")
                try await fixture.witness.withConnection(.single) { connection in
                    try connection.deleteOne(["_id": "account/b"], in: snapshots)
                    try connection.updateOne(["_id": "account/c"], with: ["$set": ["state.balance": 77]], in: snapshots)
                    try connection.insert([["_id": "account/none", "version": .int64(1)]], into: snapshots)
                }
                for command in ["insert", "update", "delete"] { proxy.fail(command, .lostShard(code, fate)) }
                _ = try await daybookError { _ = try await store.patch() }
                proxy.heal()
                await proxy.release()
                _ = try await store.patch()
                #expect(Set(try await fixture.documents(in: "snapshots.account")) == right, "code \(code)")
                #expect(try await store.verify().isClean)
            }
        }
    }
}
