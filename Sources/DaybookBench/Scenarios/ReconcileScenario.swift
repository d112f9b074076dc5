internal import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import Synchronization

/// `rebuild` from no snapshots and `verify` of right ones, over journals of more and more events.
struct ReconcileScenario: Scenario {
    static let name = "reconcile"

    let database: BenchDatabase
    let options: BenchOptions

    private static let journalOrder: BSONDocument = [
        "sort": ["aggregateId": 1, "version": 1], "readConcern": ["level": "majority"],
    ]
    private static let snapshotOrder: BSONDocument = ["sort": ["_id": 1], "readConcern": ["level": "majority"]]
    private static let snapshots = InlineLoan.snapshotCollection

    func run(_ contest: Contest) async throws -> [Row] {
        let journal = try await SyntheticJournal(in: database)
        var rows: [Row] = []
        for size in options.sizes {
            let cases = [1, 2].flatMap { workers in
                [
                    (
                        name: "rebuild, \(size) events, \(workers) worker\(workers == 1 ? "" : "s")", workers: workers,
                        isRebuild: true
                    ),
                    (
                        name: "verify, \(size) events, \(workers) worker\(workers == 1 ? "" : "s")", workers: workers,
                        isRebuild: false
                    ),
                ]
            }
            guard cases.contains(where: { contest.wants($0.name) }) else { continue }
            contest.report("\(Self.name): making \(size) events")
            try await journal.fill(size)
            var contest = contest
            // A round of a million events is long enough to be smooth.
            if size > 200_000 { contest.rounds = min(contest.rounds, 3) }
            let store = try database.store(of: [InlineLoan.self])
            for work in cases where contest.wants(work.name) {
                rows +=
                    try await work.isRebuild
                    ? rebuild(work.name, work.workers, store, contest) : verify(work.name, work.workers, store, contest)
            }
            await store.close()
        }
        return rows
    }

    private func rebuild(_ name: String, _ workers: Int, _ store: DaybookStore, _ contest: Contest) async throws
        -> [Row]
    {
        let database = database
        let options = reconcileOptions(workers)
        let daybook = Side("Daybook", prepare: { try await dropSnapshots(store) }) { _ in
            try await store.rebuild(options).events
        }
        // They are in memory only while they are needed: the peak is Daybook's to show.
        let held = Held()
        let withWrites = Side(
            "bare: scan, bulk of snapshots",
            prepare: {
                try await database.resetTwin()
                held.set(try await database.snapshotBulk(Self.snapshots))
            },
            run: { _ in
                let events = try await scan()
                _ = try await database.bare.run(held.get(), in: database.twin)
                return events
            }, finish: { held.set(BareBulk()) })
        // What the bare side writes is what a rebuild has left.
        try await dropSnapshots(store)
        _ = try await store.rebuild(options)
        return try await contest.run(
            Case(
                scenario: Self.name, name: name, unit: "event", daybook: daybook,
                baselines: [withWrites, scanSide, rangeSide, decodingSide])
        )
    }

    private func verify(_ name: String, _ workers: Int, _ store: DaybookStore, _ contest: Contest) async throws -> [Row]
    {
        let database = database
        let options = reconcileOptions(workers)
        _ = try await store.rebuild(options)
        let daybook = Side("Daybook") { _ in
            let report = try await store.verify(options)
            guard report.isClean else { throw BenchError("verify finds something: \(report.counts)") }
            return report.events
        }
        let both = Side("bare: scan, scan of snapshots") { _ in
            let events = try await scan()
            _ = try await database.bare.scan(Self.snapshots, in: database.name, options: Self.snapshotOrder)
            return events
        }
        return try await contest.run(
            Case(
                scenario: Self.name, name: name, unit: "event", daybook: daybook,
                baselines: [both, scanSide, rangeSide, decodingSide]))
    }

    private var scanSide: Side { Side("bare: scan") { _ in try await scan() } }

    /// Reads the aggregates of one type by their range of ids: servers differ in how they execute it.
    private var rangeSide: Side {
        let type = InlineLoan.type
        return Side("bare: scan of the range") { _ in
            try await database.bare.scan(
                "journal", in: database.name,
                filter: ["aggregateId": ["$gte": .string("\(type)/"), "$lt": .string("\(type)0")]],
                options: Self.journalOrder)
        }
    }

    private var decodingSide: Side {
        let database = database
        return Side("scan, decode") { _ in
            try await database.decodeJournal(sort: [("aggregateId", 1), ("version", 1)])
        }
    }

    private func scan() async throws -> Int {
        try await database.bare.scan("journal", in: database.name, options: Self.journalOrder)
    }

    private func dropSnapshots(_ store: DaybookStore) async throws {
        try await database.bare.command(["drop": .string(Self.snapshots)], in: database.name)
        try await store.initialize()
    }

    private func reconcileOptions(_ workers: Int) -> ReconcileOptions {
        var options = ReconcileOptions()
        options.workers = workers
        return options
    }
}

/// A bulk that is there for a while.
private final class Held: Sendable {
    private let bulk = Mutex(BareBulk())

    func set(_ new: BareBulk) { bulk.withLock { $0 = new } }
    func get() -> BareBulk { bulk.withLock { $0 } }
}
