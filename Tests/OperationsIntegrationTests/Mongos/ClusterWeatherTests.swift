@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// Writers of every kind at once on a cluster that fails in every way it can: every report of the library is compared
/// with the journal.
@Suite("A sharded cluster in bad weather", .serialized, .timeLimit(.minutes(30)))
struct ClusterWeatherTests {
    @Test(
        "a reported commit is stored once, a reported failure never is, and an open one is stored once after a repetition",
        arguments: 1...TestScale.weatherSeeds)
    func writers(seed: Int) async throws {
        try await withMongos(
            ["socketTimeoutMS=2000", "maxPoolSize=12"], commitTimeout: .seconds(20), isOlderServer: seed % 2 == 0
        ) { store, mongos, proxy, fixture in
            var generator = SeededGenerator(seed: UInt64(seed))
            for _ in 0..<40 { Self.spoil(proxy, &generator) }
            let paths = JournalPath.allCases
            let reports = try await withThrowingTaskGroup(of: [(write: JournalWrite, report: JournalWrite.Report)].self)
            {
                group in
                for writer in 0..<8 {
                    group.addTask {
                        var reports: [(write: JournalWrite, report: JournalWrite.Report)] = []
                        for number in 0..<14 {
                            let path = paths[(writer + number) % paths.count]
                            let write = try path.write(
                                1_000 * (writer + 1) + number, on: ["a", "b", "c"][(writer * 5 + number) % 3],
                                in: store,
                                hasID: number % 2 == 0)
                            reports.append((write, try await write.run()))
                        }
                        return reports
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(proxy.faults > 10)
            proxy.heal()
            try await expectAgreement(reports, fixture, "seed \(seed)")
            await proxy.release()
            try await fixture.endSessions(of: proxy)
            try await expectAgreement(reports, fixture, "seed \(seed), released")
            #expect(reports.count { $0.report == .committed } > reports.count / 2)
            // What is open and can be repeated is there once then.
            for (write, report) in reports
            where report == .open && (write.path.isCompletedByRepetition || write.amount % 2 == 0) {
                #expect(try await write.run() == .committed)
                try await expectAgreement([(write, .committed)], fixture, "seed \(seed), again")
            }
            await store.poster.drain()
            _ = try await store.patch()
            #expect(try await store.verify().isClean)
        }
    }

    /// One more fault, among the next commands of its kind.
    private static func spoil(_ proxy: FaultProxy, _ generator: inout SeededGenerator) {
        func one<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &generator)] }
        let code = one(LostShardTests.codes)
        let remainder = Int.random(in: 0...1, using: &generator)
        let part: @Sendable (BSONDocument) -> Bool = { $0.bytes.reduce(0) { $0 &+ Int($1) } % 2 == remainder }
        let fate = one(FaultProxy.Fault.ShardFate.allCases)
        let lost = FaultProxy.Fault.lostShard(code, fate, holding: one([part, { _ in true }]))
        let dropped = one([FaultProxy.Fault.dropReply, .dropRequest])
        let transient = FaultProxy.Fault.error(one([112, 251, 91, 10107]), labels: ["TransientTransactionError"])
        let (command, fault) = one([
            ("insert", lost), ("insert", lost), ("insert", dropped), ("update", lost), ("find", dropped),
            ("commitTransaction", one(RouterCommitTests.Answer.all.map(\.fault))),
            ("commitTransaction", one(RouterCommitTests.Answer.all.map(\.fault))), ("commitTransaction", dropped),
            ("bulkWrite", one([transient, dropped])),
        ])
        // Inserts of a transaction are answered as a whole.
        proxy.fail(command, fault, skip: Int.random(in: 0..<4, using: &generator))
    }
}
