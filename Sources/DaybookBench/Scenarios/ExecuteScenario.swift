/// One command after the other, on aggregates that the store has just seen (warm) and on such as it has not (cold).
struct ExecuteScenario: Scenario {
    static let name = "execute"

    let database: BenchDatabase
    let options: BenchOptions

    func run(_ contest: Contest) async throws -> [Row] {
        let runner = CommitCase(database: database, options: options, contest: contest)
        let transaction = Baseline.transactions(withSnapshots: true, threads: 1)
        // Without a snapshot: the journal alone.
        var rows = try await runner.run(
            Self.name, "live, warm", CommitWork<LiveLoan>(isExecuted: true), beside: [.singleInserts])
        for hasID in [false, true] {
            let suffix = hasID ? ", command id" : ""
            rows += try await runner.run(
                Self.name, "inline, warm\(suffix)", CommitWork<InlineLoan>(isExecuted: true, hasCommandIDs: hasID),
                beside: [transaction])
            rows += try await runner.run(
                Self.name, "inline, cold\(suffix)",
                CommitWork<InlineLoan>(isExecuted: true, hasCommandIDs: hasID, isCold: true),
                beside: [Self.reading("bare: 2 finds, transaction of insert, replace", 5) { $0.coldTransactions() }],
                maximum: 2_000)
            rows += try await runner.run(
                Self.name, "async, warm\(suffix)", CommitWork<AsyncLoan>(isExecuted: true, hasCommandIDs: hasID),
                beside: [.singleInserts])
            rows += try await runner.run(
                Self.name, "async, cold\(suffix)",
                CommitWork<AsyncLoan>(isExecuted: true, hasCommandIDs: hasID, isCold: true),
                beside: [Self.reading("bare: 2 finds, insert", 3) { $0.coldInserts() }], maximum: 2_000)
        }
        return rows
    }

    private static func reading(
        _ name: String, _ roundTrips: Double, _ script: @escaping @Sendable (Recording) -> BareScript
    ) -> Baseline {
        Baseline(name: name, roundTrips: roundTrips) { .script(script($0)) }
    }
}

extension Recording {
    /// The snapshot, the events from its own on, then the event.
    func coldInserts() -> BareScript {
        singleInserts { event in reads(event) }
    }

    func coldTransactions() -> BareScript {
        transactions(withSnapshots: true, threads: 1) { event in reads(event) }
    }

    private func reads(_ event: Event) -> [BareStep] {
        let type = event.aggregateID.prefix { $0 != "/" }
        return [
            BareReads.snapshot(event.aggregateID, in: "snapshots.\(type)"),
            BareReads.events(event.aggregateID, from: event.version - 1),
        ]
    }
}
