import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// What the admin commands print, to the byte.
@Suite("Output of the admin commands", .timeLimit(.minutes(3)))
struct AdminOutputTests {
    private static let license = AdminDatabase.license

    /// A command, and the golden file of what it prints.
    private struct Command: Sendable {
        let file: String
        let program: String
        let arguments: [String]

        init(_ file: String, _ program: String, _ arguments: String...) {
            (self.file, self.program, self.arguments) = (file, program, arguments)
        }

        /// With fields to correct, and why.
        static func correct(_ file: String, _ more: String...) -> Command {
            Command(file: file, program: "licensing", arguments: ["correct", license] + more)
        }

        private init(file: String, program: String, arguments: [String]) {
            (self.file, self.program, self.arguments) = (file, program, arguments)
        }
    }

    private static let reads: [Command] = [
        Command("history.txt", "licensing", "history", license),
        Command("history.json", "licensing", "history", license, "--json"),
        Command("history.txt", "daybook", "history", license),
        Command("history-part.txt", "daybook", "history", license, "--from", "2", "--to", "3"),
        Command("show.txt", "licensing", "show", license),
        Command("show.json", "licensing", "show", license, "--json"),
        Command("show-version.txt", "licensing", "show", license, "--version", "3"),
        Command("show-version.txt", "licensing", "show", license, "--at", "2025-04-14T21:00:00Z"),
        Command("show-member.json", "licensing", "show", "member/m-3", "--json"),
        Command("explain.txt", "licensing", "explain", license),
        Command("explain.json", "licensing", "explain", license, "--json"),
        Command(
            "query.txt", "licensing", "query", "license", released, "--sort", #"{"state.expiresAt": -1}"#, "--limit",
            "2"),
        Command("query.json", "licensing", "query", "member", "{}", "--sort", #"{"_id": 1}"#, "--json"),
        Command("nothing.txt", "licensing", "query", "license", #"{"state.status": "no such"}"#),
        Command("tail.txt", "licensing", "tail"),
        Command("tail.txt", "daybook", "tail", "-n", "10"),
        Command("tail-types.txt", "daybook", "tail", "--type", "member", "--type", "title", "--lines", "4"),
        Command("tail.json", "daybook", "tail", "--type", "member", "-n1", "--json"),
        Command("nothing.txt", "daybook", "tail", "--type", "no-such"),
        Command("nothing.txt", "daybook", "tail", "-n0"),
        Command("stats.txt", "licensing", "stats"),
        Command("stats.json", "licensing", "stats", "--json"),
        Command("stats-daybook.txt", "daybook", "stats"),
        Command("stats-daybook.json", "daybook", "stats", "--json"),
        Command("init.txt", "licensing", "init"),
        Command("init-roles.txt", "licensing", "init", "--dry-run"),
    ]
    private static let released = #"{"state.status": "released"}"#

    /// In this order.
    private static let writes: [Command] = [
        .correct(
            "correct-dry-run.txt", "--set", "renewals=4", "--set", expiry, "--unset", "reason", "--reason", why,
            "--actor", "ada",
            "--dry-run"),
        .correct(
            "correct-dry-run.json", "--set", "renewals=4", "--set", expiry, "--reason", why, "--actor", "ada",
            "--dry-run",
            "--json"),
        .correct(
            "correct.json", "--set", "renewals=4", "--set", expiry, "--unset", "reason", "--reason", why, "--actor",
            "ada",
            "--json"),
        .correct("correct-again.txt", "--set", "renewals=4", "--unset", "reason", "--reason", why, "--actor", "ada"),
        .correct("correct.txt", "--set", "renewals=0", "--reason", "a mistake", "--actor", "ada"),
        Command("query-corrected.txt", "licensing", "query", "license", #"{"_id": "\#(license)"}"#),
    ]
    private static let expiry = #"expiresAt={"$date": "2026-02-03T04:05:06Z"}"#
    private static let why = "support case 7"

    @Test("the output of an admin command is as recorded, and stderr has no complaint")
    func golden() async throws {
        try await withPopulation { admin in
            for command in Self.reads + Self.writes {
                let (file, program, arguments) = (command.file, command.program, command.arguments)
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
