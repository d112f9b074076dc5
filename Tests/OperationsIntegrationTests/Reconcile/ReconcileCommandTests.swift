import Daybook
import DaybookBSON
import DaybookOperations
import Foundation
import IntegrationSupport
import Licensing
import Testing

@Suite("verify, patch and rebuild on the command line", .serialized, .timeLimit(.minutes(5)))
struct ReconcileCommandTests {
    private static let kinds = [
        "missing", "stale", "outdated", "diverged", "ahead", "orphan", "gap", "unreadable", "torn",
    ]

    private func json(_ run: CommandRun) throws -> BSONDocument {
        #expect(
            run.output.hasSuffix("\n") && run.output.dropLast().firstIndex(of: "\n") == nil,
            "one object on one line: \(run.output)")
        return try BSONDocument(extendedJSON: run.output)
    }

    private func expectShape(
        _ report: BSONDocument, counts: [String: Int64], repair: Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let keys = report.fields.map(\.key)
        let head = ["checked", "events", "counts", "findings"]
        #expect(Array(keys.prefix(4)) == head, sourceLocation: sourceLocation)
        #expect(keys.last == "seconds", sourceLocation: sourceLocation)
        let middle = Set(keys.dropFirst(4).dropLast()).subtracting(["run"])
        #expect(middle == (repair ? ["dryRun", "written", "unrepaired"] : []), sourceLocation: sourceLocation)
        guard case .document(let found) = report["counts"] else { throw RawDatabase.NoMatch() }
        #expect(found.fields.map(\.key) == Self.kinds, sourceLocation: sourceLocation)
        for kind in Self.kinds {
            #expect(found.integer(at: kind) == counts[kind] ?? 0, "\(kind)", sourceLocation: sourceLocation)
        }
        #expect(
            report.documents(at: "findings").count == Int(counts.values.reduce(0, +)), sourceLocation: sourceLocation)
        for finding in report.documents(at: "findings") {
            let kind = try #require(finding.string(at: "kind"))
            #expect(finding["detail"] != nil && finding["aggregateId"] != nil, sourceLocation: sourceLocation)
            #expect((finding["snapshotVersion"] == nil) == (kind == "missing"), sourceLocation: sourceLocation)
            #expect((finding["journalVersion"] == nil) == (kind == "orphan"), sourceLocation: sourceLocation)
            #expect((finding["repair"] != nil) == repair, sourceLocation: sourceLocation)
        }
    }

    @Test("drift: verify ends with 1, patch with 0, verify with 0; each prints one object of the documented shape")
    func drift() async throws {
        let counts: [String: Int64] = ["diverged": 1, "missing": 1, "orphan": 1, "ahead": 1]
        try await withPopulation { admin in
            let before = try await admin.database.contents()
            let clean = try await admin.licensing("verify", "--json")
            #expect(clean.status == 0, "\(clean.errors)")
            try expectShape(json(clean), counts: [:], repair: false)
            try await admin.drift()
            let drifted = try await admin.database.contents()

            let found = try await admin.licensing("verify", "--json", "--workers", "3")
            #expect(found.status == 1, "\(found.errors)")
            let report = try json(found)
            try expectShape(report, counts: counts, repair: false)
            let snapshots = before.filter { $0.key.hasPrefix("snapshots.") }.values.reduce(0) { $0 + $1.count }
            #expect(report.integer(at: "checked") == Int64(snapshots + 1), "each aggregate, and the orphan")
            #expect(report.integer(at: "events") == Int64(before["journal"]?.count ?? 0))
            let diverged = try #require(report.documents(at: "findings").first { $0.string(at: "kind") == "diverged" })
            #expect(diverged.documents(at: "detail").map { $0.string(at: "path") } == ["state.renewals", "state.note"])
            #expect(diverged.documents(at: "detail").first?.integer(at: "stored") == 77)
            #expect(diverged.documents(at: "detail").last?["expected"] == nil)
            #expect(try await admin.licensing("verify", "--type", "title").status == 0)
            #expect(try await admin.licensing("verify", "--id", "member/m-1").status == 1)
            #expect(try await admin.licensing("verify", "--quick").status == 1)
            let text = try await admin.licensing("verify")
            for part in ["member/m-1", "member/nobody", "state.renewals  is 77, should be", "4 findings"] {
                #expect(text.output.contains(part), "\(text.output)")
            }
            #expect(text.errors.isEmpty || !text.errors.contains("error"), "\(text.errors)")

            for arguments in [["patch", "--dry-run"], ["rebuild", "--dry-run"], ["rebuild", "--swap", "--dry-run"]] {
                let dry = try await admin.run("licensing", arguments + ["--json"])
                #expect(dry.status == 0, "\(arguments): \(dry.errors)")
                let report = try json(dry)
                try expectShape(report, counts: counts, repair: true)
                #expect(report["dryRun"] == true && report.integer(at: "written") == 0)
                for finding in report.documents(at: "findings") {
                    let action = finding.string(at: "repair.action")
                    #expect(finding.value(at: "repair.write") != nil || action == "delete", "\(finding)")
                }
                #expect(try await admin.licensing("patch", "--dry-run").output.contains("would be"))
            }
            #expect(
                try await admin.database.contents() == drifted, "a dry run writes nothing, of snapshots or of its own")

            let patch = try await admin.licensing("patch", "--json")
            #expect(patch.status == 0, "\(patch.errors)")
            let patched = try json(patch)
            try expectShape(patched, counts: counts, repair: true)
            #expect(
                patched.integer(at: "written") == 4 && patched.integer(at: "unrepaired") == 0
                    && patched["dryRun"] == false)
            #expect(
                patched.documents(at: "findings").map { $0.string(at: "repair.action") }.sorted {
                    ($0 ?? "") < ($1 ?? "")
                }
                    == ["delete", "insert", "replace", "update"]
                    || patched.documents(at: "findings").filter { $0.string(at: "repair.action") == "update" }.count
                        == 2
            )
            let after = try await admin.database.contents()
            for (collection, documents) in before { #expect(after[collection] == documents, "\(collection)") }
            #expect(try await admin.licensing("verify").status == 0)

            let rebuild = try await admin.licensing("rebuild", "--json")
            #expect(rebuild.status == 0)
            try expectShape(json(rebuild), counts: [:], repair: true)
            let swap = try await admin.licensing("rebuild", "--swap", "--json", "--type", "license")
            #expect(swap.status == 0, "\(swap.errors)")
            #expect(try json(swap).integer(at: "written") == Int64(before["snapshots.license"]?.count ?? 0))
            // A swap writes marks, to learn that it has seen every commit.
            for (collection, documents) in before where collection != "daybook.marks" {
                #expect(try await admin.database.contents()[collection] == documents, "\(collection)")
            }
        }
    }

    @Test("what is left makes patch end with 1: a damaged aggregate, and kinds that were not asked for")
    func left() async throws {
        try await withPopulation { admin in
            try await admin.drift()
            let some = try await admin.licensing("patch", "--only", "missing", "--only", "orphan", "--json")
            #expect(some.status == 1, "\(some.errors)")
            #expect(try json(some).integer(at: "written") == 2 && json(some).integer(at: "unrepaired") == 2)
            try await admin.database.delete(
                ["aggregateId": .string(AdminDatabase.license), "version": 3], from: "journal")
            let patch = try await admin.licensing("patch")
            #expect(patch.status == 1)
            #expect(
                patch.output.contains("version 3 is not there") && patch.output.contains("1 left"), "\(patch.output)")
            let rebuild = try await admin.licensing("rebuild", "--json")
            #expect(rebuild.status == 1)
            try expectShape(json(rebuild), counts: ["gap": 1], repair: true)
            for program in ["licensing", "daybook"] {
                let verify = try await admin.run(program, ["verify", "--json"])
                #expect(verify.status == 1)
                try expectShape(json(verify), counts: ["gap": 1], repair: false)
            }
            // What was done is told afterwards.
            let runs = try await admin.licensing("runs", "--json").output.split(separator: "\n").map {
                try BSONDocument(extendedJSON: String($0))
            }
            #expect(runs.map { $0.string(at: "kind") } == ["rebuild", "patch", "patch"])
            #expect(runs.allSatisfy { $0.string(at: "status") == "done" && $0["completion"] == .double(1) })
        }
    }

    @Test(
        "with a user who may only read verify works, patch says which permission is missing and ends with 2, and its dry run works",
        .enabled(if: try TestServer.asksForPasswords, "the server asks nobody for a password"))
    func permission() async throws {
        try await withPopulation { admin in
            try await admin.database.prepare(for: [License.self, Member.self, Title.self])
            try await admin.drift()
            let before = try await admin.database.contents()
            let reader = try await admin.database.uri(as: .reader)
            for arguments in [["verify"], ["verify", "--quick"], ["verify", "--workers", "4"]] {
                let run = try await admin.run("licensing", arguments, uri: reader)
                #expect(run.status == 1, "\(run.errors)")
                #expect(run.output.contains("4 findings"))
            }
            #expect(try await admin.run("daybook", ["verify"], uri: reader).status == 1)
            #expect(try await admin.run("licensing", ["verify", "--type", "title"], uri: reader).status == 0)
            #expect(try await admin.run("licensing", ["runs"], uri: reader).status == 0)
            for arguments in [["patch", "--dry-run"], ["rebuild", "--dry-run"]] {
                let run = try await admin.run("licensing", arguments, uri: reader)
                #expect(run.status == 0, "\(run.errors)")
                #expect(run.output.contains("nothing was written"))
            }
            for arguments in [["patch"], ["rebuild"], ["rebuild", "--swap"], ["patch", "--id", "member/m-1"]] {
                let run = try await admin.run("licensing", arguments + ["--json"], uri: reader)
                #expect(run.status == 2, "\(arguments): \(run.errors)")
                #expect(run.output.isEmpty)
                for part in ["this user may not", "daybookOperator", admin.database.name] {
                    #expect(run.errors.contains(part), "\(arguments): \(run.errors)")
                }
                #expect(!run.errors.contains(reader))
            }
            #expect(try await admin.database.contents() == before)
            let operating = try await admin.database.uri(as: .operator)
            #expect(try await admin.run("licensing", ["patch"], uri: operating).status == 0)
            #expect(try await admin.run("licensing", ["rebuild", "--swap"], uri: operating).status == 0)
        }
    }

    @Test("arguments that make no sense end with 64, and a database without a journal says so")
    func arguments() async throws {
        try await withRawDatabase { database in
            let admin = AdminDatabase(database: database)
            for arguments in [
                ["verify", "--type", "book"], ["verify", "--id", "book/1"], ["verify", "--id", "nothing"],
                ["verify", "--workers", "0"],
                ["patch", "--only", "gap"], ["patch", "--only", "nonsense"], ["patch", "--rate", "0"],
                ["rebuild", "--rate", "-1"],
                ["rebuild", "--swap", "--id", "license/1"], ["rebuild", "--rate", "nan"], ["runs", "--limit", "0"],
            ] {
                let run = try await admin.run("licensing", arguments)
                #expect(run.status == 64, "\(arguments): \(run.status) \(run.errors)")
            }
            // Nothing was compared, which must not look like a comparison that found nothing.
            for command in ["runs", "verify"] {
                let run = try await admin.licensing(command)
                #expect(run.status == 2 && run.errors.contains("has no journal"), "\(command): \(run.errors)")
            }
            _ = try await admin.licensing("init")
            let runs = try await admin.licensing("runs")
            #expect(runs.status == 0 && runs.output.contains("no repair and no rebuild"))
            let verify = try await admin.licensing("verify")
            #expect(verify.status == 0 && verify.output.contains("checked 0 aggregates"))
        }
    }
}
