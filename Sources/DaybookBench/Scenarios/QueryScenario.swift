internal import Daybook
internal import DaybookBSON

/// Queries by an indexed field, a thousand at most in a round.
struct QueryScenario: Scenario {
    static let name = "query"

    let database: BenchDatabase
    let options: BenchOptions

    private static let groups = 500
    private static let perGroup = 20

    func run(_ contest: Contest) async throws -> [Row] {
        let names = ["one snapshot", "\(Self.perGroup) snapshots"]
        guard names.contains(where: contest.wants) else { return [] }
        let store = try database.store()
        let loader = store.bulkLoader()
        for group in 0..<Self.groups {
            let batch = BulkBatch(clock: .system)
            for member in 0..<Self.perGroup {
                try await batch.transaction { transaction in
                    try await transaction.execute(
                        .open(group: group + 1), on: "query-\(group)-\(member)", of: AsyncLoan.self, expecting: nil,
                        commandID: nil,
                        at: CodecSamples.date)
                }
            }
            try await loader.append(batch)
        }
        try await loader.finish()
        let repository = store.repository(AsyncLoan.self)
        var rows = try await query(names[0], limit: 1, contest) { group in
            guard try await repository.first(where: \.group == group) != nil else {
                throw BenchError("a query finds nothing")
            }
        }
        rows += try await query(names[1], limit: nil, contest) { group in
            var count = 0
            for try await _ in repository.query(where: \.group == group) { count += 1 }
            guard count == Self.perGroup else {
                throw BenchError("a query finds \(count) of \(Self.perGroup) snapshots")
            }
        }
        await store.close()
        return rows
    }

    private func query(
        _ name: String, limit: Int64?, _ contest: Contest, _ query: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> [Row] {
        let count = min(1_000, try await repeats(options.seconds) { try await query(1) })
        let database = database
        let daybook = Side("Daybook") { latencies in
            try await timed(count, latencies) { try await query($0 % Self.groups + 1) }
        }
        let options: BSONDocument = limit.map { ["limit": .int64($0), "sort": ["_id": 1]] } ?? ["sort": ["_id": 1]]
        let script = BareScript(threads: [
            (0..<count).map { index in
                [
                    .find(
                        in: AsyncLoan.snapshotCollection, ["state.group": .int64(Int64(index % Self.groups + 1))],
                        options: options)
                ]
            }
        ])
        var bare = Side("bare: find") { try await database.bare.run(script, in: database.name, $0) }
        bare.roundTrips = 1
        return try await contest.run(
            Case(scenario: Self.name, name: name, unit: "query", daybook: daybook, baselines: [bare]))
    }
}
