@testable import Daybook
import DaybookBSON
import DaybookMongo
import DaybookOperations
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// The primary steps down in the midst of work: every connection ends, and for a while the member says that it is no
/// primary.
@Suite("An election", .serialized, .timeLimit(.minutes(10)))
struct ElectionTests {
    static let codes: [Int32] = [10107, 11600, 11602, 189, 91]

    /// Refusals that have to be given out before there is a primary again.
    private static let refusals = 6

    private func withReplicaSet<R: Sendable>(
        _ options: [String] = [], code: Int32 = 10107, isOlderServer: Bool = false,
        _ body: (DaybookStore, Election, FaultProxy, DriverFixture) async throws -> R
    ) async throws -> R {
        let election = Election(code: code)
        let set = try ServerAddress(TestServer.uri).options.filter { $0.lowercased().hasPrefix("replicaset=") }
        return try await withFaultyStore(
            options + set, isOlderServer: isOlderServer, as: [election], for: [Account.self, Tally.self, Meter.self]
        ) { store, proxy, fixture in try await body(store, election, proxy, fixture) }
    }

    /// Steps down, and is primary again after some refusals.
    private func elect(_ election: Election, _ proxy: FaultProxy) async {
        election.begin(on: proxy)
        await eventually("it has said that it is no primary", within: .seconds(20)) {
            election.refusals >= Self.refusals
        }
        election.end()
    }

    @Test(
        "the stand-in is a replica set to the driver, whose writes are refused with a mongod's labels", arguments: codes
    )
    func standIn(code: Int32) async throws {
        let election = Election(code: code)
        try await withDriverFixture { fixture in
            try await fixture.withProxy(as: [election]) { proxy in
                let client = try MongoClient(uri: fixture.uri(through: proxy, "retryWrites=false"))
                let things = fixture.namespace()
                try await client.withConnection(.transaction) { connection in
                    let hello = try connection.read(["hello": 1], database: "admin")
                    #expect(
                        hello["primary"] == .string("127.0.0.1:\(proxy.port)") && hello["isWritablePrimary"] == true)
                    try connection.insert([["_id": 1]], into: things)
                    election.begin(on: proxy)
                    // The connection ended.
                    #expect(throws: MongoError.self) {
                        try connection.read(["ping": 1], database: "admin", isRetried: false)
                    }
                    let refused = #expect(throws: MongoError.self) { try connection.insert([["_id": 2]], into: things) }
                    #expect(refused?.serverCode == code && refused?.labels == [])
                    try connection.beginTransaction()
                    let inTransaction = #expect(throws: MongoError.self) {
                        try connection.insert([["_id": 2]], into: things)
                    }
                    #expect(inTransaction?.labels == .transientTransaction)
                    connection.endTransaction()
                    #expect(election.refusals >= 2)
                    election.end()
                    try connection.insert([["_id": 3]], into: things)
                }
                #expect(try await fixture.ids() == [1, 3])
                await client.close()
            }
        }
    }

    @Test("G4: an election loses no commit of a majority writer, on any path", arguments: 1...TestScale.weatherSeeds)
    func writers(seed: Int) async throws {
        try await withReplicaSet(
            ["maxPoolSize=12", "w=majority"], code: Self.codes[seed % Self.codes.count], isOlderServer: seed % 2 == 0
        ) { store, election, proxy, fixture in
            let paths = JournalPath.allCases
            let isOver = Recorder<Bool>()
            let reports = try await withThrowingTaskGroup(of: [(write: JournalWrite, report: JournalWrite.Report)].self)
            {
                group in
                for writer in 0..<8 {
                    group.addTask {
                        var reports: [(write: JournalWrite, report: JournalWrite.Report)] = []
                        // Until the elections are over, and a little after.
                        var left = 5
                        while left > 0 {
                            if !isOver.all.isEmpty || reports.count > 400 { left -= 1 }
                            let number = reports.count
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
                for _ in 0..<3 {
                    let before = proxy.exchanges.count
                    await eventually("writers are at work") { proxy.exchanges.count > before + 60 }
                    await elect(election, proxy)
                }
                isOver.record(true)
                return try await group.reduce(into: []) { $0 += $1 }
            }
            try await fixture.endSessions(of: proxy)
            try await expectAgreement(reports, fixture, "seed \(seed)")
            #expect(reports.count { $0.report == .committed } > reports.count / 2)
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

    @Test(
        "G1: an election that rolls back an acknowledged write of a URI with w=1 leaves no gap",
        arguments: [JournalPath.inline, .shared, .live, .several], [1, 3])
    func rollback(path: JournalPath, lost: Int64) async throws {
        try await withReplicaSet(["w=1"]) { store, election, proxy, fixture in
            for amount in 1...4 { #expect(try await path.write(amount, on: "r", in: store).run() == .committed) }
            await store.poster.drain()
            let type = path == .inline ? "account" : path == .live ? "meter" : "tally"
            election.begin(on: proxy)
            try await fixture.rollBack("\(type)/r", events: path == .several ? 2 * lost : lost)
            await eventually("it has said that it is no primary", within: .seconds(20)) { election.refusals >= 2 }
            election.end()
            for amount in 5...7 { #expect(try await path.write(amount, on: "r", in: store).run() == .committed) }
            // The versions are contiguous, or this throws.
            let amounts = try await fixture.journal().filter { $0.aggregateID == "\(type)/r" }.compactMap(\.amount)
            let expected = (1...(4 - Int(lost))).map(\.self) + [5, 6, 7]
            #expect(amounts == expected.flatMap { path.amounts($0) }.map { Int64($0) })
            await store.poster.drain()
            #expect(try await store.verify().isClean)
            #expect(
                try await store.repository(Meter.self).load("r").state.balance
                    == (path == .live ? Int(amounts.reduce(0, +)) : 0))
        }
    }

    /// The driver sends a read again once, so a read that meets the election twice, by a refusal and by a connection
    /// that ends while it signs in, is refused:
    /// https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
    @Test("loads, histories and queries are right through an election, or unavailable while it lasts", arguments: codes)
    func readers(code: Int32) async throws {
        try await withReplicaSet(code: code) { store, election, proxy, _ in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.depositEach([Int](repeating: 1, count: 9)), on: "b")
            let isOver = Recorder<Bool>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var left = 3
                        while left > 0 {
                            let hasEnded = !isOver.all.isEmpty
                            if hasEnded { left -= 1 }
                            do {
                                #expect(try await accounts.load("b").state.balance == 9)
                                var events = 0
                                for try await _ in try accounts.history("b") { events += 1 }
                                #expect(events == 9)
                                let found = try await accounts.query(where: \.balance == 9).reduce(0) { count, _ in
                                    count + 1
                                }
                                #expect(found == 1)
                            } catch let error as DaybookError where !hasEnded && error.code == .unavailable {
                                continue
                            }
                        }
                    }
                }
                await elect(election, proxy)
                isOver.record(true)
                try await group.waitForAll()
            }
        }
    }

    @Test("an election stops neither verify nor patch nor rebuild, in place or as a swap", arguments: codes)
    func maintenance(code: Int32) async throws {
        try await withReplicaSet(code: code) { store, election, proxy, fixture in
            for number in 0..<30 {
                try await store.repository(Account.self).execute(.deposit(number), on: "m-\(number)")
            }
            let right = Set(try await fixture.documents(in: "snapshots.account"))
            for work in ["verify", "patch", "rebuild", "swap"] {
                if work == "patch" {
                    let change: BSONDocument = ["q": [:], "u": ["$set": ["state.balance": -1]], "multi": true]
                    _ = try await fixture.run(["update": "snapshots.account", "updates": [.document(change)]])
                }
                proxy.forget()
                // It is under way: its first scan of the journal has been sent and waits.
                proxy.fail("find", .hold, skip: 1)
                let running = Task {
                    switch work {
                    case "verify": try await store.verify()
                    case "patch": try await store.patch()
                    default: try await store.rebuild(swap: work == "swap")
                    }
                }
                guard await eventually("it is under way", within: .seconds(30), { proxy.held == 1 }) else {
                    let (held, asked) = (proxy.held, proxy.exchanges.map(\.command))
                    // Its own error says why.
                    proxy.heal()
                    await proxy.release()
                    _ = try await running.value
                    Issue.record("\(work) ended without a scan; \(held) are held of \(asked)")
                    return
                }
                election.begin(on: proxy)
                await proxy.release()
                await eventually("it has said that it is no primary", within: .seconds(20)) {
                    election.refusals >= Self.refusals
                }
                election.end()
                _ = try await running.value
                #expect(Set(try await fixture.documents(in: "snapshots.account")) == right, "\(work)")
            }
            #expect(try await store.verify().isClean)
        }
    }

    @Test("the projector continues after an election")
    func projector() async throws {
        try await withReplicaSet { store, election, proxy, fixture in
            let runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
            let run = Task { try await runner.run() }
            let tallies = store.repository(Tally.self)
            for round in 0..<2 {
                let key = "p-\(round)"
                try await tallies.execute(.deposit(1), on: key)
                await store.poster.drain()
                await elect(election, proxy)
                // As if its writer had died.
                let snapshots = fixture.namespace("snapshots.tally")
                try await tallies.execute(.deposit(1), on: key)
                await store.poster.drain()
                try await fixture.witness.withConnection(.single) {
                    _ = try $0.deleteOne(["_id": .string("tally/\(key)")], in: snapshots)
                }
                #expect(
                    try await eventually("it is caught up", within: .seconds(60)) {
                        try await store.isCaughtUp(key, Tally.self)
                    })
            }
            run.cancel()
            try await run.value
        }
    }
}

extension DriverFixture {
    /// Takes the last events of an aggregate away, and what was written of its snapshot with them and after them: what
    /// a new primary does with writes that no majority had.
    fileprivate func rollBack(_ id: String, events: Int64) async throws {
        let type = String(id.prefix { $0 != "/" })
        let head = Int64(try await journal().count { $0.aggregateID == id })
        let lost: BSONDocument = ["aggregateId": .string(id), "version": ["$gt": .int64(head - events)]]
        _ = try await run(["delete": "journal", "deletes": [["q": .document(lost), "limit": 0]]])
        _ = try await run([
            "delete": .string("snapshots.\(type)"), "deletes": [["q": ["_id": .string(id)], "limit": 1]],
        ])
        guard type == "account" else { return }
        // The snapshot of an inline aggregate goes back with its events, in one transaction.
        try await withDaybook(DaybookConfiguration(uri: TestServer.uri, database: database), aggregates: [Account.self])
        {
            store in
            _ = try await store.patch()
        }
    }
}
