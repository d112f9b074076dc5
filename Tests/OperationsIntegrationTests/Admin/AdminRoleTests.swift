import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

/// What OperatingADatabase.md says of roles: each command works for a user of the least role that it names, and not for
/// one of a lesser role.
@Suite(
    "A command of the command line takes no more than its role", .timeLimit(.minutes(2)),
    .enabled(if: try TestServer.asksForPasswords, "the server asks nobody for a password"))
struct AdminRoleTests {
    private static let license = AdminDatabase.license

    /// Those that change nothing.
    private static let looking: [[String]] = [
        ["verify"], ["verify", "--quick"], ["history", license], ["tail", "--lines", "2"], ["stats"], ["doctor"],
        ["show", license],
        ["explain", license], ["query", "license", "{}", "--limit", "1"], ["export"], ["patch", "--dry-run"],
        ["licenses"],
        ["runs"], ["view", "member-overview"], ["subscriptions", "list"], ["subscriptions", "show", "member-overview"],
        ["dead-letters", "list"], ["projections", "list"],
        ["correct", license, "--set", "renewals=1", "--reason", "r", "--actor", "a", "--dry-run"],
    ]
    /// Those that commit.
    private static let committing: [[String]] = [
        ["plan", "m-1", "premium"], ["correct", license, "--set", "renewals=1", "--reason", "r", "--actor", "a"],
        ["init"],
    ]
    /// Those that repair.
    private static let repairing: [[String]] = [
        ["patch"], ["rebuild"], ["rebuild", "--type", "license"], ["rebuild", "--type", "license", "--swap"],
    ]

    private func withUsers(_ body: (AdminDatabase) async throws -> Void) async throws {
        try await withPopulation { admin in
            let made = try await admin.licensing("init", "--roles")
            try #require(made.status == 0, "\(made.errors)")
            try await body(admin)
        }
    }

    private func expect(
        _ commands: [[String]], _ admin: AdminDatabase, as role: RoleDefinition.Name, toBeAllowed isAllowed: Bool
    ) async throws {
        let uri = try await admin.database.uri(as: role)
        for arguments in commands {
            let run = try await admin.run("licensing", arguments, uri: uri)
            if isAllowed {
                #expect(run.status == 0, "\(role) \(arguments): \(run.errors)")
            } else {
                #expect(run.status == 2, "\(role) \(arguments): \(run.output)")
                #expect(run.errors.contains("daybookOperator may repair"), "\(role) \(arguments): \(run.errors)")
            }
        }
    }

    /// The journal and the snapshots.
    private func documents(_ admin: AdminDatabase) async throws -> [String: Set<BSONDocument>] {
        try await admin.database.contents().filter { $0.key == "journal" || $0.key.hasPrefix("snapshots.") }
    }

    @Test("the reader looks at everything, and changes nothing")
    func reader() async throws {
        try await withUsers { admin in
            try await admin.drift()
            let before = try await documents(admin)
            let verify = try await admin.run("licensing", ["verify"], uri: try await admin.database.uri(as: .reader))
            #expect(verify.status == 1 && verify.errors.isEmpty, "it finds what drifted: \(verify.errors)")
            try await expect([["patch", "--dry-run"]], admin, as: .reader, toBeAllowed: true)
            try await expect([["plan", "m-1", "premium"]] + Self.repairing, admin, as: .reader, toBeAllowed: false)
            #expect(try await documents(admin) == before)
        }
        try await withUsers { try await expect(Self.looking, $0, as: .reader, toBeAllowed: true) }
    }

    @Test("the application commits and corrects, and repairs nothing")
    func application() async throws {
        try await withUsers { admin in
            try await expect(Self.looking + Self.committing, admin, as: .application, toBeAllowed: true)
            let before = try await documents(admin)
            try await expect(Self.repairing, admin, as: .application, toBeAllowed: false)
            #expect(try await documents(admin) == before)
        }
    }

    @Test("the operator repairs drift, rebuilds in place and beside, and imports")
    func operatorRole() async throws {
        try await withUsers { admin in
            try await expect(Self.looking + Self.committing, admin, as: .operator, toBeAllowed: true)
            let file = FileManager.default.temporaryDirectory.appending(path: "\(admin.database.name).jsonl")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(try await admin.licensing("export").output.utf8).write(to: file)
            try await admin.drift()
            try await expect(Self.repairing + [["import", file.path]], admin, as: .operator, toBeAllowed: true)
            #expect(try await admin.licensing("verify").status == 0)
        }
    }

    @Test("no role makes roles")
    func makingRoles() async throws {
        try await withUsers { admin in
            for role in RoleDefinition.Name.allCases {
                let uri = try await admin.database.uri(as: role)
                let run = try await admin.run("licensing", ["init", "--roles"], uri: uri)
                #expect(run.status == 2 && run.errors.contains("userAdmin"), "\(role): \(run.errors)")
            }
        }
    }
}
