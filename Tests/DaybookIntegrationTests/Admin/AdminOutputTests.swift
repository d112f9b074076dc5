import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// What the admin commands print, to the byte.
@Suite("Output of the admin commands", .timeLimit(.minutes(3)))
struct AdminOutputTests {
    private static let license = AdminDatabase.license

    /// The golden file, the program, and its arguments; in this order, since the last ones write.
    private static let commands: [(file: String, program: String, arguments: [String])] = [
        ("history.txt", "licensing", ["history", license]),
        ("history.json", "licensing", ["history", license, "--json"]),
        ("history.txt", "daybook", ["history", license]),
        ("history-part.txt", "daybook", ["history", license, "--from", "2", "--to", "3"]),
        ("show.txt", "licensing", ["show", license]),
        ("show.json", "licensing", ["show", license, "--json"]),
        ("show-version.txt", "licensing", ["show", license, "--version", "3"]),
        ("show-version.txt", "licensing", ["show", license, "--at", "2025-04-14T21:00:00Z"]),
        ("show-member.json", "licensing", ["show", "member/m-3", "--json"]),
        ("explain.txt", "licensing", ["explain", license]),
        ("explain.json", "licensing", ["explain", license, "--json"]),
        (
            "query.txt", "licensing",
            ["query", "license", #"{"state.status": "released"}"#, "--sort", #"{"state.expiresAt": -1}"#, "--limit", "2"]
        ),
        ("query.json", "licensing", ["query", "member", "{}", "--sort", #"{"_id": 1}"#, "--json"]),
        ("nothing.txt", "licensing", ["query", "license", #"{"state.status": "no such"}"#]),
        ("tail.txt", "licensing", ["tail"]),
        ("tail.txt", "daybook", ["tail", "-n", "10"]),
        ("tail-types.txt", "daybook", ["tail", "--type", "member", "--type", "title", "--lines", "4"]),
        ("tail.json", "daybook", ["tail", "--type", "member", "-n1", "--json"]),
        ("nothing.txt", "daybook", ["tail", "--type", "no-such"]),
        ("nothing.txt", "daybook", ["tail", "-n0"]),
        ("stats.txt", "licensing", ["stats"]),
        ("stats.json", "licensing", ["stats", "--json"]),
        ("stats-daybook.txt", "daybook", ["stats"]),
        ("stats-daybook.json", "daybook", ["stats", "--json"]),
        ("init.txt", "licensing", ["init"]),
        ("init-roles.txt", "licensing", ["init", "--dry-run"]),
        ("correct-dry-run.txt", "licensing", correct + ["--dry-run"]),
        ("correct-dry-run.json", "licensing", correct + ["--dry-run", "--json"]),
        ("correct.json", "licensing", correct + ["--json"]),
        ("correct-again.txt", "licensing", correct),
        ("correct.txt", "licensing", ["correct", license, "--set", "renewals=0", "--reason", "a mistake", "--actor", "ada"]),
        ("show-corrected.json", "licensing", ["query", "license", #"{"_id": "\#(license)"}"#]),
    ]
    private static let correct = [
        "correct", license, "--set", "renewals=4", "--set", #"expiresAt={"$date": "2026-02-03T04:05:06Z"}"#, "--unset", "reason",
        "--reason",
        "support case 7", "--actor", "ada",
    ]

    @Test("is as recorded, and nothing is complained of")
    func golden() async throws {
        try await withPopulation { admin in
            for (file, program, arguments) in Self.commands {
                let run = try await admin.run(program, arguments)
                #expect(run.status == 0 && run.errors.isEmpty, "\(program) \(arguments): \(run.status) \(run.errors)")
                do {
                    try checkGoldenText(admin.masked(run.output), file: "Golden/\(file)")
                } catch {
                    Issue.record("\(program) \(arguments.joined(separator: " ")): \(error)")
                }
            }
            // A correction is shown as one.
            let history = try await admin.daybook("history", Self.license, "--from", "10").output
            #expect(history.contains("correction"))
            #expect(history.contains("because: support case 7"))
            let explained = try await admin.licensing("explain", Self.license).output
            #expect(explained.contains("* renewals   0 -> 4"))
            #expect(explained.contains("reason   support case 7"))
        }
    }
}
