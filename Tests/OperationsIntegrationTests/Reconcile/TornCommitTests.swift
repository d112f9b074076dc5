@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import DaybookTesting
import Foundation
import IntegrationSupport
import Testing

/// A restore that is not of one moment can leave a part of a commit. Nothing else shows it: each aggregate is whole by
/// itself.
@Suite("Torn commits", .serialized, .timeLimit(.minutes(3)))
struct TornCommitTests {
    /// Commits, long ago, one event each to some accounts and a tally together, and a commit of three events to one
    /// account.
    private func fill(_ store: DaybookStore, commits: Int = 1, accounts: Int = 2) async throws {
        let clock = SimulatedClock(at: Date(timeIntervalSince1970: 1_750_000_000), seed: 5)
        let loader = store.bulkLoader()
        for number in 0..<commits {
            let batch = BulkBatch(clock: clock.commitClock)
            try await batch.transaction { transaction in
                for account in 0..<accounts {
                    try await transaction.execute(
                        .deposit(1), on: "\(number)-\(account)", of: Account.self, expecting: nil, commandID: nil,
                        at: clock.now)
                }
                try await transaction.execute(
                    .deposit(1), on: "\(number)-t", of: Tally.self, expecting: nil, commandID: nil, at: clock.now)
            }
            try await batch.transaction { transaction in
                try await transaction.execute(
                    .depositEach([1, 2, 3]), on: "\(number)-alone", of: Account.self, expecting: nil, commandID: nil,
                    at: clock.now)
            }
            clock.advance(by: .seconds(1))
            try await loader.append(batch)
        }
        try await loader.finish()
    }

    /// Loses an event, and with it what else shows that: its snapshot, where it was the only event.
    private func lose(_ id: String, _ store: DaybookStore) async throws {
        try await store.raw.delete(["aggregateId": .string(id)], from: "journal")
        try await store.raw.delete(
            ["_id": .string(id)], from: id.hasPrefix("tally/") ? "snapshots.tally" : "snapshots.account")
    }

    private func torn(_ report: ReconcileReport) -> [String: String] {
        Dictionary(report.findings.filter { $0.kind == .torn }.map { ($0.aggregateID, $0.detail) }) { first, _ in first
        }
    }

    @Test("are found with the aggregate that has the first event, and say what is there and what is not")
    func found() async throws {
        try await ReconcileFixture.withStore { store in
            try await fill(store, commits: 20)
            #expect(try await store.verify().isClean)
            try await lose("tally/7-t", store)
            for report in [try await store.verify(), try await store.verifyEnvelopes()] {
                #expect(report.counts == [.torn: 1], "\(report.findings)")
                let detail = try #require(torn(report)["account/7-0"])
                for part in [
                    "of its 3 events 1 is not there", "places in it 3", "account/7-0 at version 1",
                    "account/7-1 at version 1",
                ] { #expect(detail.contains(part), "\(detail)") }
                #expect(report.findings.first?.journalVersion == 1 && report.findings.first?.snapshotVersion == nil)
            }
            let run = try await CommandRun("licensing", ["verify", "--database", store.database, "--quick"])
            #expect(run.status == 0, "a quick look does not look at commits: \(run.output) \(run.errors)")
            let generic = try await CommandRun("daybook", ["verify", "--database", store.database, "--json"])
            #expect(generic.status == 1)
            #expect(try BSONDocument(extendedJSON: generic.output).integer(at: "counts.torn") == 1)
            let partial = try await CommandRun(
                "daybook", ["verify", "--database", store.database, "--partial-journal"])
            #expect(partial.status == 0, "\(partial.output)")
            // No repair can do anything about it, and none is stopped by it.
            #expect(try await store.patch().isClean)
        }
    }

    @Test("whose first event is missing are found with each that has a part; of a single aggregate with that one")
    func first() async throws {
        try await ReconcileFixture.withStore { store in
            try await fill(store, commits: 3)
            try await lose("account/1-0", store)
            #expect(Set(torn(try await store.verify()).keys) == ["account/1-1", "tally/1-t"])
            // The last of three events of one aggregate: a backup of its journal that ends in a commit.
            try await store.raw.delete(["aggregateId": "account/2-alone", "version": .int64(3)], from: "journal")
            let detail = try #require(torn(try await store.verify())["account/2-alone"])
            #expect(detail.contains("places in it 3; there is account/2-alone at versions 1 to 2"), "\(detail)")
        }
    }

    @Test("of single aggregates that were asked for are found whichever part is missing")
    func single() async throws {
        try await ReconcileFixture.withStore { store in
            try await fill(store, commits: 3)
            try await lose("tally/1-t", store)
            var options = ReconcileOptions()
            options.ids = [try AggregateID(parsing: "account/1-1")]
            #expect(torn(try await store.verify(options)).count == 1)
            options.checksCommits = false
            #expect(try await store.verify(options).isClean)
            options.ids = [try AggregateID(parsing: "account/1-alone"), try AggregateID(parsing: "account/2-1")]
            options.checksCommits = true
            #expect(try await store.verify(options).isClean)
        }
    }

    @Test("are looked for many at a time, and not at all where every commit is one aggregate's")
    func looks() async throws {
        try await ReconcileFixture.withStore { store in
            func looks() async throws -> Int {
                try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                    var options = ReconcileOptions()
                    options.workers = 1
                    let report = try await watched.verify(options)
                    #expect(report.isClean)
                    return proxy.exchanges.count(where: \.looksForEvents)
                }
            }
            try await ReconcileFixture.seed(Account.self, count: 300, in: store)
            #expect(try await looks() == 0)
            try await fill(store, commits: 300)
            let looked = try await looks()
            #expect((1...40).contains(looked), "\(looked)")
        }
    }

    @Test("a large one is found, with a bounded report")
    func large() async throws {
        try await ReconcileFixture.withStore { store in
            try await fill(store, accounts: 700)
            #expect(try await store.verify().isClean)
            for number in stride(from: 1, to: 700, by: 2) { try await lose("account/0-\(number)", store) }
            let detail = try #require(torn(try await store.verify())["account/0-0"])
            #expect(detail.contains("of its 701 events 350 are not there") && detail.contains("346 more"), "\(detail)")
            #expect(detail.utf8.count < 1_000)
        }
    }

    @Test("one that only becomes visible during the pass is none")
    func underWay() async throws {
        try await ReconcileFixture.withStore { store in
            try await store.transaction { transaction in
                try await transaction.execute(.deposit(1), on: "a", of: Account.self)
                try await transaction.execute(.deposit(1), on: "m", of: Meter.self)
            }
            let hidden = try await ReconcileFixture.event("meter/m", 1, in: store)
            try await store.raw.delete(["aggregateId": "meter/m"], from: "journal")
            let report = try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                let verify = Task { try await watched.verify() }
                // It has seen that the event is not there, twice.
                await eventually("it has looked again") {
                    proxy.exchanges.count { $0.looksForEvents && $0.reply != nil } >= 2
                }
                try await store.raw.insert([hidden], into: "journal")
                return try await verify.value
            }
            #expect(report.isClean, "\(report.findings)")
        }
    }

    @Test("are a warning of doctor's")
    func doctor() async throws {
        try await ReconcileFixture.withStore { store in
            func check() async throws -> Diagnosis.Check {
                try #require(await store.diagnose().checks.first { $0.name == "commits" })
            }
            try await fill(store, commits: 5)
            #expect(try await check().level == .ok)
            try await lose("account/3-0", store)
            let found = try await check()
            #expect(found.level == .warning && found.detail.contains("one of the newest is not whole"), "\(found)")
            #expect(
                found.detail.contains("tally/3-t at version 1") && found.remedy?.contains("verify") == true, "\(found)")
        }
    }

    @Test(
        "what an event says of its commit may be anything",
        arguments: [
            ["id": "x", "index": .int32(0), "count": .int32(2)], ["index": .int32(-1), "count": .int32(2)],
            ["index": .int32(5), "count": .int32(2)],
            ["index": .int32(0), "count": .int32(-7)], ["index": .int32(0), "count": .int32(.max)],
            ["index": .int32(.max), "count": .int32(.max)],
            ["index": 0.5, "count": "2"], [:],
        ] as [BSONDocument])
    func hostile(commit: BSONDocument) async throws {
        try await ReconcileFixture.withStore { store in
            try await fill(store)
            try await ReconcileFixture.takeAnyEvent(in: store)
            let event = try await ReconcileFixture.event("account/0-0", 1, in: store)
            var changed = commit
            if commit["id"] == nil { try changed.append("id", try #require(event["_id"])) }
            try await store.raw.update(
                ["aggregateId": "account/0-0"], with: ["$set": ["commit": .document(changed)]], in: "journal")
            let report = try await store.verify()
            #expect(
                (report.counts[.torn] ?? 0)
                    == (commit["count"] == .int32(.max) && commit["index"] == .int32(0) ? 1 : 0),
                "\(report.findings)")
            _ = try await store.verifyEnvelopes()
            _ = await store.diagnose()
        }
    }
}

extension FaultProxy.Exchange {
    /// Whether it asks the journal for events by their ids.
    fileprivate var looksForEvents: Bool {
        guard request["find"] == "journal", case .document(let filter) = request["filter"] else { return false }
        return filter["_id"] != nil
    }
}
