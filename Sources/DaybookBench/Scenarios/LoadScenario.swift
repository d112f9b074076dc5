internal import Daybook
internal import DaybookBSON

/// Loads of aggregates of more and more events, with a snapshot and without, and of those that the store has in memory.
struct LoadScenario: Scenario {
    static let name = "load"

    let database: BenchDatabase
    let options: BenchOptions

    func run(_ contest: Contest) async throws -> [Row] {
        let store = try database.store(keepsAggregates: false)
        let remembering = try database.store()
        let names = [1, 10, 100, 1_000, 10_000]
        var rows: [Row] = []
        for events in names where Self.titles(events).contains(where: contest.wants) {
            let key = "events-\(events)"
            try await create(InlineLoan.self, key, events: events, in: store)
            try await create(LiveLoan.self, key, events: events, in: store)
            let snapshot = BareReads.snapshot("inline-loan/\(key)", in: InlineLoan.snapshotCollection)
            let lastEvent = BareReads.events("inline-loan/\(key)", from: Int64(events))
            let titles = Self.titles(events)
            rows += try await load(
                InlineLoan.self, key, titles[0], store, contest,
                beside: [
                    ("bare: find of the snapshot, of its event", [snapshot, lastEvent]),
                    ("bare: find of the snapshot", [snapshot]),
                ])
            rows += try await load(
                LiveLoan.self, key, titles[1], store, contest,
                beside: [("bare: find of the events", [BareReads.events("live-loan/\(key)", from: 1)])])
            rows += try await load(
                InlineLoan.self, key, titles[2], remembering, contest,
                beside: [
                    ("bare: find of the snapshot, of its event", [snapshot, lastEvent]),
                    ("bare: find of its event", [lastEvent]),
                ])
        }
        await store.close()
        await remembering.close()
        return rows
    }

    private static func titles(_ events: Int) -> [String] {
        ["with a snapshot", "without a snapshot", "in memory"].map { "\(events) event\(events == 1 ? "" : "s"), \($0)" }
    }

    private func create<A: Loan>(_ aggregate: A.Type, _ key: String, events: Int, in store: DaybookStore) async throws {
        let batch = BulkBatch(clock: .system)
        for start in stride(from: 0, to: events, by: 500) {
            let count = min(500, events - start)
            try await batch.transaction { transaction in
                try await transaction.execute(
                    .record(events: count), on: key, of: A.self, expecting: nil, commandID: nil, at: CodecSamples.date)
            }
        }
        let loader = store.bulkLoader()
        try await loader.append(batch)
        try await loader.finish()
    }

    private func load<A: Loan>(
        _ aggregate: A.Type, _ key: String, _ name: String, _ store: DaybookStore, _ contest: Contest,
        beside baselines: [(name: String, steps: [BareStep])]
    ) async throws -> [Row] {
        guard contest.wants(name) else { return [] }
        let repository = store.repository(A.self)
        let count = try await repeats(options.seconds) { _ = try await repository.load(key) }
        let database = database
        let keepsAggregates = store.configuration.aggregateCacheBytes > 0
        let recorded = try await database.withRecordedStore(keepsAggregates: keepsAggregates) { store in
            if keepsAggregates { _ = try await store.repository(A.self).load(key) }
            return try await Recording.of {
                for _ in 0..<4 { _ = try await store.repository(A.self).load(key) }
            }
        }
        var daybook = Side("Daybook") { latencies in
            try await timed(count, latencies) { _ in _ = try await repository.load(key) }
        }
        daybook.roundTrips = Double(recorded.commands) / 4
        daybook.bytesSent = Double(recorded.bytes) / 4
        let sides = baselines.map { baseline in
            let script = BareScript(threads: [[[BareStep]](repeating: baseline.steps, count: count)])
            var side = Side(baseline.name) { try await database.bare.run(script, in: database.name, $0) }
            side.roundTrips = Double(baseline.steps.count)
            return side
        }
        return try await contest.run(
            Case(scenario: Self.name, name: name, unit: "load", daybook: daybook, baselines: sides))
    }
}

/// How often `work` can be done in about so many seconds; 3 times at least.
func repeats(_ seconds: Double, _ work: () async throws -> Void) async throws -> Int {
    try await work()
    let start = nanoseconds()
    for _ in 0..<3 { try await work() }
    let each = Double(nanoseconds() - start) / 3e9
    return Int(min(max(3, seconds / each), 20_000))
}

/// Does `work` so often and records how long each took.
func timed(_ count: Int, _ latencies: Latencies, _ work: (Int) async throws -> Void) async throws -> Int {
    var times: [UInt64] = []
    times.reserveCapacity(count)
    for index in 0..<count {
        let start = nanoseconds()
        try await work(index)
        times.append(nanoseconds() - start)
    }
    latencies.record(times)
    return count
}
