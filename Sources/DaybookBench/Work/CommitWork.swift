internal import Daybook
internal import DaybookBSON
internal import Foundation

/// Commits by several writers, each on aggregates of its own in rotation.
struct CommitWork<A: Loan>: Sendable {
    var writers = 1
    var eventsPerCommit = 1
    /// By `execute`, where the aggregate decides; else by `append`, where the caller does.
    var isExecuted = false
    var hasCommandIDs = false
    /// Every commit is the first that the store makes on its aggregate.
    var isCold = false

    private static var aggregatesPerWriter: Int { 4 }

    /// Where a writer's commits go. `prefix` tells the rounds apart.
    private func key(_ prefix: String, _ writer: Int, _ commit: Int) -> String {
        "\(prefix)-\(writer)-\(isCold ? commit : commit % Self.aggregatesPerWriter)"
    }

    /// Makes the aggregates that `commits` commits go to. All have one event; those that are to be warm, a second by
    /// this store.
    func prepare(_ prefix: String, commits: Int, in store: DaybookStore) async throws {
        let each = isCold ? commits / writers : Self.aggregatesPerWriter
        let loader = store.bulkLoader()
        let batch = BulkBatch(clock: .system)
        for writer in 0..<writers {
            for commit in 0..<each {
                let key = key(prefix, writer, commit)
                try await batch.transaction { transaction in
                    try await transaction.execute(
                        .record(events: 1), on: key, of: A.self, expecting: nil, commandID: nil, at: CodecSamples.date)
                }
            }
        }
        try await loader.append(batch)
        try await loader.finish()
        guard !isCold else { return }
        let repository = store.repository(A.self)
        try await eachWriter { writer in
            for commit in 0..<each {
                try await repository.append([.sample(group: 0)], to: key(prefix, writer, commit), expecting: 1)
            }
        }
    }

    /// The versions, after `commits` commits, of all aggregates of a round that have a snapshot.
    func versions(_ prefix: String, commits: Int) -> [AggregateID: Int64] {
        var versions: [AggregateID: Int64] = [:]
        for writer in 0..<writers {
            for commit in 0..<(isCold ? commits / writers : Self.aggregatesPerWriter) {
                guard let id = try? AggregateID(A.type, key: key(prefix, writer, commit)) else { continue }
                versions[id] = isCold ? 1 : 2
            }
            for commit in 0..<commits / writers {
                guard let id = try? AggregateID(A.type, key: key(prefix, writer, commit)) else { continue }
                versions[id, default: 0] += Int64(eventsPerCommit)
            }
        }
        return versions
    }

    /// Commits, and records how long each took.
    func run(_ prefix: String, commits: Int, in store: DaybookStore, _ latencies: Latencies) async throws -> Int {
        let repository = store.repository(A.self)
        let events = [LoanEvent](repeating: .sample(group: 0), count: eventsPerCommit)
        let each = commits / writers
        try await eachWriter { writer in
            var times: [UInt64] = []
            times.reserveCapacity(each)
            for commit in 0..<each {
                let key = key(prefix, writer, commit)
                let turn = isCold ? 0 : commit / Self.aggregatesPerWriter
                let commandID = hasCommandIDs ? "command-\(prefix)-\(writer)-\(commit)" : nil
                let start = nanoseconds()
                if isExecuted {
                    try await repository.execute(
                        .record(events: eventsPerCommit), on: key, commandID: commandID)
                } else {
                    let version = Int64((isCold ? 1 : 2) + turn * eventsPerCommit)
                    try await repository.append(events, to: key, expecting: version, commandID: commandID)
                }
                times.append(nanoseconds() - start)
            }
            latencies.record(times)
        }
        return each * writers
    }

    private func eachWriter(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        guard writers > 1 else { return try await body(0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers { group.addTask { try await body(writer) } }
            try await group.waitForAll()
        }
    }
}

/// How the writes of a recording are done without Daybook.
struct Baseline: Sendable {
    enum Work: Sendable {
        case script(BareScript)
        case bulk(BareBulk)
    }

    let name: String
    var roundTrips: Double
    let work: @Sendable (Recording) -> Work

    /// One call each, on one thread.
    static let singleInserts = Baseline(name: "bare: insert", roundTrips: 1) { .script($0.singleInserts()) }

    static func transactions(withSnapshots: Bool, threads: Int) -> Baseline {
        Baseline(
            name: withSnapshots ? "bare: transaction of insert, replace" : "bare: transaction of inserts",
            roundTrips: withSnapshots ? 3 : 2
        ) { .script($0.transactions(withSnapshots: withSnapshots, threads: threads)) }
    }
}

/// Runs commits beside their baselines.
struct CommitCase: Sendable {
    let database: BenchDatabase
    let options: BenchOptions
    let contest: Contest

    /// - Parameter maximum: At most so many commits in a round.
    func run<A: Loan>(
        _ scenario: String, _ name: String, _ work: CommitWork<A>, beside baselines: [Baseline], maximum: Int = 20_000
    ) async throws -> [Row] {
        guard contest.wants(name) else { return [] }
        contest.report("\(scenario): \(name)")
        let store = try database.store()
        let rounds = Rounds("\(scenario) \(name)")
        let (trialName, recorded) = (rounds.named("trial"), rounds.named("recorded"))
        // How many commits take about as long as a round is to.
        let trial = work.writers * 4
        try await work.prepare(trialName, commits: trial, in: store)
        let start = nanoseconds()
        _ = try await work.run(trialName, commits: trial, in: store, Latencies())
        let rate = Double(trial) / (Double(nanoseconds() - start) / 1e9)
        let commits = min(max(trial, Int(rate * options.seconds)), maximum) / work.writers * work.writers

        let (before, recording) = try await database.withRecordedStore { store in
            let before = try await Recording.of {
                try await work.prepare(recorded, commits: commits, in: store)
                try await database.settle(A.self, work.versions(recorded, commits: 0))
            }
            let recording = try await Recording.of {
                _ = try await work.run(recorded, commits: commits, in: store, Latencies())
                try await database.settle(A.self, work.versions(recorded, commits: commits))
            }
            return (before, recording)
        }
        var daybook = Side(
            "Daybook",
            prepare: {
                try await work.prepare(rounds.next(), commits: commits, in: store)
                try await database.settle(A.self, work.versions(rounds.current, commits: 0))
            },
            run: { try await work.run(rounds.current, commits: commits, in: store, $0) },
            finish: { try await database.settle(A.self, work.versions(rounds.current, commits: commits)) })
        daybook.roundTrips = Double(recording.commands) / Double(commits)
        daybook.bytesSent = Double(recording.bytes) / Double(commits)
        let standing = before.inserts
        let sides = baselines.map { baseline in
            let database = database
            let work = baseline.work(recording)
            var side = Side(
                baseline.name,
                prepare: {
                    try await database.resetTwin()
                    for bulk in standing where bulk.insertCount > 0 {
                        _ = try await database.bare.run(bulk, in: database.twin)
                    }
                },
                run: { latencies in
                    switch work {
                    case .script(let script): try await database.bare.run(script, in: database.twin, latencies)
                    case .bulk(let bulk): try await database.bare.run(bulk, in: database.twin, latencies)
                    }
                })
            side.roundTrips = baseline.roundTrips
            if case .bulk(let bulk) = work { side.roundTrips = bulk.commandsPerInsert }
            return side
        }
        let rows = try await contest.run(
            Case(scenario: scenario, name: name, unit: "commit", daybook: daybook, baselines: sides))
        await store.close()
        return rows
    }
}

extension BareBulk {
    var commandsPerInsert: Double {
        func commands(_ count: Int, _ size: Int) -> Int { (count + size - 1) / size }
        return Double(commands(insertCount, insertsPerCommand) + commands(replaceCount, replacesPerCommand))
            / Double(max(insertCount, 1))
    }
}
