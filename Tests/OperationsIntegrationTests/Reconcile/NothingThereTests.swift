@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// A nightly check of a name that is mistyped must not be green.
@Suite("What is not there", .timeLimit(.minutes(3)))
struct NothingThereTests {
    private static let commands: [[String]] = [
        ["verify"], ["verify", "--quick"], ["patch"], ["patch", "--dry-run"], ["rebuild"], ["rebuild", "--swap"],
        ["export"],
        ["stats"],
        ["tail"], ["runs"], ["query", "license", "{}"],
    ]

    @Test("a database without a journal is an error of every command that looks at one", arguments: commands)
    func database(command: [String]) async throws {
        try await withRawDatabase { database in
            for program in ["licensing", "daybook"] {
                guard program == "licensing" || ["verify", "export", "stats", "tail"].contains(command[0]) else {
                    continue
                }
                guard program == "licensing" || command.count == 1 else { continue }
                let run = try await CommandRun(program, command + ["--database", database.name, "--quiet"])
                #expect(run.status == 2, "\(program) \(command): \(run.output)")
                // What the user has called is what the error names.
                #expect(
                    run.errors.hasPrefix("error: \(command[0]): the database \"\(database.name)\" has no journal"),
                    "\(run.errors)")
                #expect(run.output.isEmpty)
            }
            #expect(try await database.contents().isEmpty, "nothing was made")
        }
    }

    @Test("a database that was prepared and holds nothing is no error")
    func empty() async throws {
        try await ReconcileFixture.withStore { store in
            let reports = [
                try await store.verify(), try await store.patch(), try await store.rebuild(),
                try await store.verifyEnvelopes(),
            ]
            for report in reports { #expect(report.isClean, "\(report.kinds)") }
            #expect(try await store.statistics().journal.documents == 0)
        }
    }

    @Test("an id of which there is nothing is reported beside all others, and the command ends with 2")
    func ids() async throws {
        try await withPopulation { admin in
            for command in [["verify"], ["verify", "--quick"], ["patch"], ["rebuild"], ["patch", "--dry-run"]] {
                let run = try await admin.run(
                    "licensing", command + ["--id", "member/m-1", "--id", "member/m-999", "--json"])
                #expect(run.status == 2 && run.errors.contains("member/m-999"), "\(command): \(run.errors)")
                let report = try BSONDocument(extendedJSON: run.output)
                #expect(report.integer(at: "checked") == 1)
                #expect(report["absent"] == ["member/m-999"])
            }
            let printed = try await admin.licensing("patch", "--id", "member/m-999").output
            #expect(printed.contains("not there: member/m-999"), "\(printed)")
            #expect(printed.contains(": 0 findings;"), "\(printed)")
            let twice = try await admin.licensing("patch", "--id", "member/m-1", "--id", "member/m-1", "--json")
            #expect(twice.status == 0, "\(twice.errors)")
            #expect(try BSONDocument(extendedJSON: twice.output).integer(at: "checked") == 1, "named twice, it is one")
            for id in ["member/m-999", "members/m-1"] {
                let run = try await admin.daybook("verify", "--id", id)
                #expect(run.status == 2 && run.errors.contains(id), "\(run.errors)")
            }
            let both = try await admin.daybook("verify", "--id", "member/m-1")
            #expect(both.status == 0, "\(both.errors)")
            // A snapshot without events is there.
            let member = try #require(try await admin.database.document(in: "snapshots.member", id: "member/m-2"))
            try await admin.database.put(member.setting("_id", to: "member/m-999"), into: "snapshots.member")
            #expect(try await admin.licensing("verify", "--id", "member/m-999").status == 1)
        }
    }

    @Test("a type that neither the database nor the program has is an error")
    func types() async throws {
        try await withPopulation { admin in
            for command in ["verify", "export"] {
                let run = try await admin.daybook(command, "--type", "licence")
                #expect(run.status == 2 && run.output.isEmpty, "\(run.output)")
                #expect(run.errors.contains("\"licence\"") && run.errors.contains("license, member"), "\(run.errors)")
            }
            #expect(try await admin.daybook("verify", "--type", "license").status == 0)
        }
    }
}
