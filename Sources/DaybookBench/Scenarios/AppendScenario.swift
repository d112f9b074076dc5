/// Commits by `append`, from one writer and from many, in each way that a snapshot is kept.
struct AppendScenario: Scenario {
    static let name = "append"

    let database: BenchDatabase
    let options: BenchOptions

    /// As many as Daybook has connections.
    static let threads = 16
    /// How many bulk inserts are on their way at a time, as in Daybook's group commit.
    private static let flights = 2

    func run(_ contest: Contest) async throws -> [Row] {
        let runner = CommitCase(database: database, options: options, contest: contest)
        let many = options.writers
        let inOne = Baseline.transactions(withSnapshots: true, threads: 1)
        let inMany = Baseline.transactions(withSnapshots: true, threads: Self.threads)
        var rows = try await runner.run(Self.name, "inline, 1 writer", CommitWork<InlineLoan>(), beside: [inOne])
        rows += try await runner.run(
            Self.name, "inline, \(many) writers", CommitWork<InlineLoan>(writers: many), beside: [inMany])
        rows += try await runner.run(
            Self.name, "async, 1 writer", CommitWork<AsyncLoan>(), beside: [.singleInserts])
        rows += try await runner.run(
            Self.name, "async, \(many) writers", CommitWork<AsyncLoan>(writers: many),
            beside: [
                bulk("bare: bulk of inserts, of snapshots", withSnapshots: true),
                bulk("bare: bulk of inserts", withSnapshots: false),
            ])
        rows += try await runner.run(
            Self.name, "async, 5 events, 1 writer", CommitWork<AsyncLoan>(eventsPerCommit: 5),
            beside: [.transactions(withSnapshots: false, threads: 1)])
        rows += try await runner.run(
            Self.name, "async, 5 events, \(many) writers", CommitWork<AsyncLoan>(writers: many, eventsPerCommit: 5),
            beside: [.transactions(withSnapshots: false, threads: Self.threads)])
        return rows
    }

    private func bulk(_ name: String, withSnapshots: Bool) -> Baseline {
        Baseline(name: name, roundTrips: 0) { .bulk($0.bulks(withSnapshots: withSnapshots, threads: Self.flights)) }
    }
}
