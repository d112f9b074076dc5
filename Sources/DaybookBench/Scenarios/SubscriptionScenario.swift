internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import DaybookSubscriptions
internal import Synchronization

/// A projection that catches up with journals of more and more events, and one that follows commits.
struct SubscriptionScenario: Scenario {
    static let name = "subscription"

    let database: BenchDatabase
    let options: BenchOptions

    /// The order in which a feed reads what was there before it.
    private static let order: BSONDocument = ["sort": ["_id": 1], "readConcern": ["level": "majority"]]

    func run(_ contest: Contest) async throws -> [Row] {
        let journal = try await SyntheticJournal(in: database)
        let service = ProjectionService(in: database)
        var rows: [Row] = []
        for size in options.sizes {
            let name = "catch-up, \(size) events"
            guard contest.wants(name) else { continue }
            contest.report("\(Self.name): making \(size) events")
            try await journal.fill(size)
            var contest = contest
            // A round of a million events is long enough to be smooth.
            if size > 200_000 { contest.rounds = min(contest.rounds, 3) }
            rows += try await catchUp(name, size, service, contest)
        }
        return try await rows + follow("live, commit to document", service, contest)
    }

    private func catchUp(
        _ name: String, _ size: Int, _ service: ProjectionService, _ contest: Contest
    ) async throws -> [Row] {
        let database = database
        let aggregates = size / SyntheticJournal.eventsPerAggregate
        let last = try AggregateID(InlineLoan.type, key: SyntheticJournal.key(aggregates - 1))
        let version = Int64(SyntheticJournal.eventsPerAggregate)
        let daybook = Side(
            "Daybook", prepare: { try await service.reset() },
            run: { _ in
                try await service.start()
                try await service.wait(for: last, at: version)
                return size
            }, finish: { await service.stop() })
        // What the other sides write is what a run has left.
        try await daybook.prepare()
        _ = try await daybook.run(Latencies())
        try await daybook.finish()
        let posted = try await database.client.withConnection(.single) {
            try $0.count(
                ["version": .int64(version)],
                in: Namespace(database: database.name, collection: ProjectionService.postings))
        }
        guard posted == aggregates else { throw BenchError("\(posted) of \(aggregates) loans are posted") }
        let held = HeldBulks()
        func side(_ name: String, _ scan: @escaping @Sendable () async throws -> Int) -> Side {
            Side(
                name,
                prepare: {
                    try await database.resetTwin()
                    var bulks: [BareBulk] = []
                    for collection in [ProjectionService.view, ProjectionService.postings] {
                        bulks.append(try await database.snapshotBulk(collection))
                    }
                    held.set(bulks)
                },
                run: { _ in
                    let events = try await scan()
                    for bulk in held.get() { _ = try await database.bare.run(bulk, in: database.twin) }
                    return events
                }, finish: { held.set([]) })
        }
        return try await contest.run(
            Case(
                scenario: Self.name, name: name, unit: "event", daybook: daybook,
                baselines: [
                    side("scan, decode, bulk of documents and postings") {
                        try await database.decodeJournal(sort: [("_id", 1)])
                    },
                    side("bare: scan, bulk of documents and postings") {
                        try await database.bare.scan("journal", in: database.name, options: Self.order)
                    },
                ]))
    }

    /// Measures from the reply to a commit until a find returns the document that includes it. The find, and a
    /// millisecond between two of them, are part of that.
    private func follow(_ name: String, _ service: ProjectionService, _ contest: Contest) async throws -> [Row] {
        guard contest.wants(name) else { return [] }
        try await database.reset(database.name)
        try await service.reset()
        let store = try await service.start()
        let loans = store.repository(InlineLoan.self)
        let view = store.view(LoanTotals.self)
        let commits = Mutex(Int64(0))
        let commit: @Sendable () async throws -> UInt64 = {
            let number = commits.withLock {
                $0 += 1
                return $0
            }
            try await loans.execute(.record(events: 1), on: "live-00", at: CodecSamples.date)
            let start = nanoseconds()
            while try await (view.find(LoanTotals.group(of: "live-00"))?.events ?? 0) < number {
                guard nanoseconds() - start < 30_000_000_000 else {
                    throw BenchError("a document did not follow its commit within half a minute")
                }
                try await Task.sleep(for: .milliseconds(1))
            }
            return nanoseconds() - start
        }
        let count = min(1_000, try await repeats(options.seconds) { _ = try await commit() })
        let daybook = Side("Daybook") { latencies in
            var times: [UInt64] = []
            for _ in 0..<count { times.append(try await commit()) }
            latencies.record(times)
            return count
        }
        let rows = try await contest.run(
            Case(scenario: Self.name, name: name, unit: "commit", daybook: daybook, baselines: []))
        await service.stop()
        return rows
    }
}

/// Bulks that are there for a while.
private final class HeldBulks: Sendable {
    private let bulks = Mutex<[BareBulk]>([])

    func set(_ new: [BareBulk]) { bulks.withLock { $0 = new } }
    func get() -> [BareBulk] { bulks.withLock { $0 } }
}
