@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("A rebuild whose process ends on its way", .serialized, .timeLimit(.minutes(10)))
struct KilledRebuildTests {
    private static let members = 60

    /// A population whose snapshots are gone, with the runs that are made of it.
    private func withDroppedSnapshots(
        _ body: (AdminDatabase, _ before: [String: Set<BSONDocument>], _ count: Int) async throws -> Void
    ) async throws {
        try await withRawDatabase { database in
            let admin = AdminDatabase(database: database)
            let seed = try await admin.licensing(
                "seed", "--members", "\(Self.members)", "--licenses", "\(4 * Self.members)", "--seed", "6", "--bulk",
                "--quiet")
            try #require(seed.status == 0, "\(seed.errors)")
            let before = try await database.contents().filter { $0.key.hasPrefix("snapshots.") }
            for collection in before.keys { _ = try await database.write(["drop": .string(collection)]) }
            try await body(admin, before, before.values.reduce(0) { $0 + $1.count })
        }
    }

    /// So slow that there is time to end it.
    private func start(_ admin: AdminDatabase, of count: Int, lasting seconds: Int = 6, _ options: [String]) throws
        -> ChildProcess
    {
        try ChildProcess(
            builtExecutable("licensing"),
            ["rebuild", "--rate", "\(max(20, count / seconds))", "--workers", "1"] + options,
            environment: ["DAYBOOK_DATABASE": admin.database.name], joinsErrors: true)
    }

    private func kill(_ kills: Int, _ options: [String]) async throws {
        try await withDroppedSnapshots { admin, before, count in
            for number in 0..<kills {
                let child = try start(admin, of: count, lasting: 2 * (kills + 1), options)
                // Behind the wait for its predecessor's lease, which is over when the record is its own.
                let last = try await runs(admin).first?.string(at: "holder")
                let begun = try await eventually("the run has begun", within: .seconds(40)) {
                    let now = try await runs(admin).first?.string(at: "holder")
                    return now != nil && now != last
                }
                #expect(begun)
                // The moment of the crash; nothing is waited for.
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...1_800)))
                child.kill()
                var lines: [String] = []
                for await line in child.lines { lines.append(line) }
                #expect(await child.ending() == .killed(signal: SIGKILL), "\(number): \(lines)")
                #expect(try await runs(admin).first?.string(at: "status") == "running")
            }
            let run = try await admin.run("licensing", ["rebuild", "--json"] + options)
            #expect(run.status == 0, "\(run.errors)")
            let killed = try #require(try await runs(admin).first)
            let holder = try #require(killed.string(at: "holder"))
            #expect(run.errors.contains("going on with the rebuild"), "\(run.errors) \(holder)")
            #expect(try await runs(admin).count == 1, "it is one run")
            #expect(killed.string(at: "status") == "done")
            let checked = Int(killed.integer(at: "checked") ?? 0)
            #expect(checked >= count && checked <= count * 3 / 2, "\(checked) of \(count)")
            #expect(try await admin.database.contents().filter { $0.key.hasPrefix("snapshots.") } == before)
            let verify = try await admin.licensing("verify")
            #expect(verify.status == 0, "\(verify.output)")
        }
    }

    private func runs(_ admin: AdminDatabase) async throws -> [BSONDocument] {
        try await admin.database.documents(in: "daybook.runs")
    }

    @Test("killed at any moment, in place or with a swap, it goes on where it was, and the end is clean")
    func killed() async throws {
        // Side by side, because most of it is waiting for dead processes' leases.
        async let inPlace: Void = kill(TestScale.rebuildKills, [])
        async let swap: Void = kill(TestScale.rebuildKills, ["--swap"])
        _ = try await (inPlace, swap)
    }

    @Test("stopped by Ctrl-C it ends with 130, says how to go on, and goes on at once; --restart begins anew")
    func interrupted() async throws {
        try await withDroppedSnapshots { admin, before, count in
            for options in [[], ["--swap"]] {
                let child = try start(admin, of: count, options)
                let begun = try await eventually("the run has written", within: .seconds(40)) {
                    try await runs(admin).contains {
                        $0.string(at: "status") == "running" && $0.value(at: "swap") == .bool(!options.isEmpty)
                    }
                }
                #expect(begun)
                try await Task.sleep(for: .milliseconds(1_200))
                child.interrupt()
                var lines: [String] = []
                for await line in child.lines { lines.append(line) }
                #expect(await child.ending() == .exited(status: 130), "\(lines)")
                #expect(lines.contains { $0.contains("Start the same command again to go on") }, "\(lines)")
                let stopped = try #require(
                    try await admin.database.documents(in: "daybook.runs", where: ["status": "interrupted"]).first)
                // One that was not released has at least 10 s left: it is renewed each 5 s, and lasts 15.
                for lease in try await admin.database.documents(in: "daybook.leases") {
                    guard case .datetime(let end)? = lease["expiresAt"] else { continue }
                    #expect(end.date < .now + 5, "its lease was released")
                }
                let listed = try await admin.licensing("runs").output
                #expect(listed.contains("interrupted"), "\(listed)")

                let resumed = try await admin.run("licensing", ["rebuild"] + options)
                #expect(resumed.status == 0, "\(resumed.errors)")
                #expect(resumed.errors.contains("going on with the rebuild"), "\(resumed.errors)")
                let done = try #require(
                    try await admin.database.documents(in: "daybook.runs", where: ["_id": stopped["_id"] ?? .null])
                        .first)
                #expect(done.string(at: "status") == "done")
                #expect((done.integer(at: "checked") ?? 0) <= Int64(count * 3 / 2))
                #expect(try await admin.database.contents().filter { $0.key.hasPrefix("snapshots.") } == before)
                for collection in before.keys { _ = try await admin.database.write(["drop": .string(collection)]) }
            }
            let child = try start(admin, of: count, [])
            _ = try await eventually("the run has begun", within: .seconds(40)) {
                try await runs(admin).contains { $0.string(at: "status") == "running" }
            }
            child.interrupt()
            for await _ in child.lines {}
            #expect(await child.ending() == .exited(status: 130))
            let restarted = try await admin.licensing("rebuild", "--restart", "--json")
            #expect(restarted.status == 0, "\(restarted.errors)")
            let report = try BSONDocument(extendedJSON: restarted.output)
            #expect(report.integer(at: "checked") == Int64(count))
            let given = try await admin.database.documents(in: "daybook.runs", where: ["status": "failed"])
            #expect(given.count == 1)
            #expect(given.first?.string(at: "reason")?.contains("given up") == true)
            #expect(try await admin.database.contents().filter { $0.key.hasPrefix("snapshots.") } == before)
            #expect(try await admin.licensing("verify").status == 0)
        }
    }
}
