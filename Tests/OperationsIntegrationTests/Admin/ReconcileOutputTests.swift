import DaybookOperations
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// What verify, patch, rebuild and runs print, to the byte.
@Suite("Output of the reconciler's commands", .timeLimit(.minutes(3)))
struct ReconcileOutputTests {
    /// A command, how it ends, and the golden file of what it prints.
    private struct Command: Sendable {
        let file: String
        let status: Int32
        let program: String
        let arguments: [String]

        init(_ file: String, _ status: Int32, _ program: String, _ arguments: String...) {
            (self.file, self.status, self.program, self.arguments) = (file, status, program, arguments)
        }
    }

    /// In this order, on snapshots that have drifted. One worker: findings are in the order of the ids then.
    private static let commands: [Command] = [
        Command("verify.txt", 1, "licensing", "verify", "--workers", "1"),
        Command("verify.json", 1, "licensing", "verify", "--workers", "1", "--json"),
        Command("verify-quick.txt", 1, "licensing", "verify", "--quick", "--workers", "1"),
        Command("verify-id.txt", 1, "licensing", "verify", "--id", "member/m-1"),
        Command("verify-daybook.txt", 1, "daybook", "verify", "--workers", "1"),
        Command("runs-none.txt", 0, "daybook", "runs"),
        Command("patch-dry-run.txt", 0, "licensing", "patch", "--dry-run", "--workers", "1"),
        Command("patch-dry-run.json", 0, "licensing", "patch", "--dry-run", "--workers", "1", "--json"),
        Command("rebuild-dry-run.txt", 0, "licensing", "rebuild", "--dry-run", "--workers", "1"),
        Command("patch-some.txt", 1, "licensing", "patch", "--only", "orphan", "--workers", "1"),
        Command("patch.json", 0, "licensing", "patch", "--type", "member", "--workers", "1", "--json"),
        Command("patch.txt", 0, "licensing", "patch", "--workers", "1"),
        Command("verify-clean.txt", 0, "licensing", "verify", "--workers", "1"),
        Command("verify-clean.json", 0, "licensing", "verify", "--workers", "1", "--json"),
        Command("rebuild.txt", 0, "licensing", "rebuild", "--workers", "1"),
        Command(
            "rebuild-swap.json", 0, "licensing", "rebuild", "--swap", "--type", "license", "--workers", "1", "--json"),
        Command("runs.txt", 0, "daybook", "runs", "-n", "2"),
        Command("runs.json", 0, "licensing", "runs", "--limit", "1", "--json"),
    ]

    @Test("the output of a reconcile command is as recorded")
    func golden() async throws {
        try await withPopulation { admin in
            try await admin.drift()
            for command in Self.commands {
                let run = try await admin.run(command.program, command.arguments)
                let line = "\(command.program) \(command.arguments.joined(separator: " "))"
                #expect(run.status == command.status, "\(line): \(run.status) \(run.errors)")
                do {
                    try checkGoldenText(Self.masked(run.output), file: "Golden/\(command.file)")
                } catch {
                    Issue.record("\(line): \(error)")
                }
            }
        }
    }

    /// A text with what differs from one run to the next made the same: how long it took, when, and by whom.
    private static func masked(_ text: String) -> String {
        text.replacing(/in [0-9.]+ s:/, with: "in TIME s:")
            .replacing(/"seconds" ?: ?[0-9.e-]+/, with: "\"seconds\": TIME")
            .replacing(/"(run|holder)" ?: ?"[^"]*"/) { "\"\($0.1)\": \"ID\"" }
            .replacing(/"(startedAt|updatedAt|endedAt)" ?: ?\{ ?"\$date" ?: ?"[^"]*" ?\}/) { "\"\($0.1)\": DATE" }
            .replacing(/(?m)^20[0-9-]{8}T[0-9:.]+Z/, with: "DATE")
    }
}
