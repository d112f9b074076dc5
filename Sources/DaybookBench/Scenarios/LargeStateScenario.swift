internal import Daybook
internal import DaybookBSON

/// Commits of a small event on a large state, which is written whole each time: beside that, bare, what an update of no
/// more than what changed would take.
struct LargeStateScenario: Scenario {
    static let name = "large"

    let database: BenchDatabase
    let options: BenchOptions

    func run(_ contest: Contest) async throws -> [Row] {
        var rows: [Row] = []
        for (name, bytes) in [("state of 1 KiB", 1_024), ("state of 64 KiB", 65_536), ("state of 1 MiB", 1_048_576)]
        where contest.wants(name) {
            rows += try await commits(name, bytes, contest)
        }
        return rows
    }

    private func commits(_ name: String, _ bytes: Int, _ contest: Contest) async throws -> [Row] {
        let database = database
        let rounds = Rounds(name)
        let store = try database.store()
        let fill: @Sendable (String, DaybookStore) async throws -> Void = { key, store in
            try await store.repository(Archive.self).execute(.fill(bytes: bytes), on: key)
        }
        let touch: @Sendable (String, DaybookStore) async throws -> Void = { key, store in
            try await store.repository(Archive.self).execute(.touch, on: key, at: CodecSamples.date)
        }
        try await fill(rounds.named("trial"), store)
        // What is recorded is kept in memory.
        let count = min(
            try await repeats(options.seconds) { try await touch(rounds.named("trial"), store) },
            max(3, 32 * 1_048_576 / bytes))
        let (before, recording) = try await database.withRecordedStore { store in
            let before = try await Recording.of { try await fill(rounds.named("recorded"), store) }
            let recording = try await Recording.of {
                for _ in 0..<count { try await touch(rounds.named("recorded"), store) }
            }
            return (before, recording)
        }
        var daybook = Side(
            "Daybook", prepare: { try await fill(rounds.next(), store) },
            run: { latencies in
                try await timed(count, latencies) { _ in try await touch(rounds.current, store) }
            })
        daybook.roundTrips = Double(recording.commands) / Double(count)
        daybook.bytesSent = Double(recording.bytes) / Double(count)
        let standing = before.inserts
        let sides = [
            ("bare: transaction of insert, replace", recording),
            ("bare: transaction of insert, update", try recording.updatingSnapshots(of: before)),
        ].map { name, recording in
            let script = recording.transactions(withSnapshots: true, threads: 1)
            var side = Side(
                name,
                prepare: {
                    try await database.resetTwin()
                    for bulk in standing where bulk.insertCount > 0 {
                        _ = try await database.bare.run(bulk, in: database.twin)
                    }
                }, run: { try await database.bare.run(script, in: database.twin, $0) })
            side.roundTrips = 3
            return side
        }
        let rows = try await contest.run(
            Case(scenario: Self.name, name: name, unit: "commit", daybook: daybook, baselines: sides))
        await store.close()
        return rows
    }
}
