import DaybookBSON
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// Every command of both programs, on databases that somebody has damaged past all validators, with arguments as they
/// are mistyped.
///
/// `DAYBOOK_TEST_HOSTILE` says how many databases, and `DAYBOOK_TEST_HOSTILE_SEED` which is the first: what failed is
/// repeated with its seed.
@Suite("Hostile databases", .timeLimit(.minutes(600)))
struct HostileDatabaseTests {
    private static let firstSeed =
        ProcessInfo.processInfo.environment["DAYBOOK_TEST_HOSTILE_SEED"].flatMap { UInt64($0) } ?? 1
    static let seeds = (0..<UInt64(TestScale.hostileDatabases)).map { firstSeed + $0 }

    /// Far more than any of them takes on a busy machine.
    private static let limit = Duration.seconds(90)

    @Test(
        "G12: no command dies of a damaged database: it ends with a documented code, and says what is wrong; looking writes nothing",
        arguments: seeds)
    func commands(seed: UInt64) async throws {
        try await withPopulation { admin in
            var hostile = HostileDatabase(admin, seed: seed)
            try await hostile.prepare()
            let ids = try await admin.database.documents(in: "journal").compactMap { $0.string(at: "aggregateId") }
            try await hostile.damage(hostile.values.random.number(1...12))
            var arguments = HostileArguments(values: hostile.values, ids: Array(Set(ids)).sorted())
            arguments.values.random.generator = .init(seed: seed &* 31)

            let before = try await admin.database.contents()
            for command in try arguments.reads() {
                try await run(command.program, command.arguments, admin, hostile, seed)
            }
            #expect(
                try await admin.database.contents() == before,
                "seed \(seed): a command that looks has written. \(hostile.damage)"
            )

            for command in try arguments.writes() { try await run("licensing", command, admin, hostile, seed) }
            try await repair(admin, hostile, seed)
        }
    }

    /// Repairs what can be, twice in place and once by a swap, and compares.
    private func repair(_ admin: AdminDatabase, _ hostile: HostileDatabase, _ seed: UInt64) async throws {
        let kinds = ["missing", "stale", "outdated", "diverged", "ahead", "orphan"]
        for command in [["patch"], ["rebuild", "--restart"], ["rebuild", "--swap", "--restart"]] {
            let repaired = try await run("licensing", command, admin, hostile, seed)
            // What could not be done, and says why, has repaired nothing.
            guard repaired.status < 2 else { continue }
            let verified = try await run("licensing", ["verify", "--json"], admin, hostile, seed)
            guard verified.status < 2, let report = try? BSONDocument(extendedJSON: verified.output) else { continue }
            let left = kinds.filter { report.integer(at: "counts.\($0)") ?? 0 > 0 }
            let isLeftAsNewer = repaired.output.contains("left: it is a newer program's")
            #expect(
                left.isEmpty || (left == ["outdated"] && isLeftAsNewer),
                "seed \(seed): after \(command) there are \(left). \(hostile.damage)\n\(repaired.output)\n\(verified.output)"
            )
        }
    }

    @discardableResult
    private func run(
        _ program: String, _ arguments: [String], _ admin: AdminDatabase, _ hostile: HostileDatabase, _ seed: UInt64
    ) async throws -> CommandRun {
        let run = try await CommandRun(
            program, arguments, environment: ["DAYBOOK_DATABASE": admin.database.name], limit: Self.limit)
        let said = run.errors.count > 2_000 ? "\(run.errors.prefix(2_000))…" : run.errors
        let what =
            "seed \(seed): \(program) \(arguments): \(run.status)\n\(said)\n\(hostile.damage.joined(separator: "\n"))"
        // By a signal, also by the one of the limit, the status is above 128.
        #expect([0, 1, 2, 64].contains(run.status), "\(what)")
        if run.status == 2 { #expect(run.errors.contains("error: ") || !run.output.isEmpty, "\(what)") }
        if run.status == 64 { #expect(run.errors.contains("Error: "), "\(what)") }
        #expect(!run.errors.contains("Fatal error"), "\(what)")
        if let password = try ServerAddress(TestServer.uri).credentials?.split(separator: ":").last {
            #expect(!run.errors.contains(password) && !run.output.contains(password), "\(what)")
        }
        return run
    }
}
