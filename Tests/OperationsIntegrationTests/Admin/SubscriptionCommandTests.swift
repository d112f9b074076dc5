import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import TestSupport
import Testing

/// What the commands of subscriptions, dead letters, projections and views print, to the byte; and how `run` ends.
@Suite("Commands of subscriptions", .timeLimit(.minutes(5)))
struct SubscriptionCommandTests {
    /// A command, how it ends, and the golden file of what it prints.
    private struct Command: Sendable {
        let file: String
        let status: Int32
        let program: String
        let arguments: [String]

        init(_ file: String, ending status: Int32 = 0, by program: String = "Teller", _ arguments: String...) {
            (self.file, self.status, self.program, self.arguments) = (file, status, program, arguments)
        }
    }

    /// Appended to the commands that record who runs them.
    private static let why = ["--reason", "support case 7", "--actor", "ada"]
    private static let all = ["view", "balances", "--sort", #"{"_id": 1}"#]

    /// Of subscriptions that have handled everything.
    private static let sound: [Command] = [
        Command("subscriptions-list.txt", "subscriptions", "list"),
        Command("subscriptions-list.json", "subscriptions", "list", "--json"),
        Command("subscriptions-list.txt", by: "daybook", "subscriptions", "list"),
        Command("subscriptions-show.txt", "subscriptions", "show", "balances"),
        Command("subscriptions-show.json", "subscriptions", "show", "balances", "--json"),
        Command("view.txt", "view", "balances", "--sort", #"{"_id": 1}"#),
        Command("view.txt", by: "daybook", "view", "balances", "{}", "--sort", #"{"_id": 1}"#),
        Command(
            "view.json", "view", "balances", #"{"state.balance": {"$gt": 1}}"#, "--sort", #"{"state.balance": -1}"#,
            "--limit", "2", "--json"),
        Command("subscriptions-verify-clean.txt", "subscriptions", "verify"),
        Command("subscriptions-verify-clean.json", "subscriptions", "verify", "balances", "--json"),
        Command("projections-list.txt", "projections", "list"),
        Command("projections-list.json", "projections", "list", "--json"),
        Command("projections-list-daybook.txt", by: "daybook", "projections", "list"),
        Command("projections-verify-clean.txt", "projections", "verify"),
        Command("dead-letters-none.txt", "dead-letters", "list"),
        Command("dead-letters-none.json", by: "daybook", "dead-letters", "list", "--json"),
    ]

    /// Of postings that were changed by hand.
    private static let postings: [Command] = [
        Command("subscriptions-verify.txt", ending: 1, "subscriptions", "verify"),
        Command("subscriptions-verify.json", ending: 1, by: "daybook", "subscriptions", "verify", "--json"),
        Command("subscriptions-patch-dry-run.txt", ending: 1, "subscriptions", "patch", "--dry-run"),
        Command(
            "subscriptions-patch.json", ending: 1, "subscriptions", "patch", "balances", "--json", "--actor", "ada"),
        Command("subscriptions-patch-again.txt", ending: 1, "subscriptions", "patch"),
    ]

    /// Of documents that were changed by hand.
    private static let documents: [Command] = [
        Command("projections-verify.txt", ending: 1, "projections", "verify", "balances"),
        Command("projections-verify.json", ending: 1, "projections", "verify", "--json"),
        Command(
            "projections-patch-dry-run.txt", "projections", "patch", "--dry-run", "--reason", "support case 7",
            "--actor", "ada"),
        Command(
            "projections-patch.json", "projections", "patch", "--json", "--reason", "support case 7", "--actor", "ada"),
        Command("projections-verify-clean.txt", "projections", "verify"),
        Command("view.txt", "view", "balances", "--sort", #"{"_id": 1}"#),
        Command("projections-rebuild.txt", "projections", "rebuild", "--reason", "again", "--actor", "ada"),
        Command(
            "projections-rebuild-swap.json", "projections", "rebuild", "balances", "--swap", "--json", "--reason",
            "once more", "--actor", "ada"),
        Command("projections-runs.txt", "runs"),
        Command("projections-runs.json", by: "daybook", "runs", "--limit", "1", "--json"),
        Command("view.txt", "view", "balances", "--sort", #"{"_id": 1}"#),
    ]

    private static let changes: [Command] = [
        Command("pause.txt", "subscriptions", "pause", "balances", "--reason", "support case 7", "--actor", "ada"),
        Command("pause.json", "subscriptions", "pause", "balances", "--json", "--reason", "again", "--actor", "ada"),
        Command("subscriptions-list-paused.txt", "subscriptions", "list"),
        Command("subscriptions-show-paused.txt", by: "daybook", "subscriptions", "show", "balances"),
        Command(
            "resume.txt", by: "daybook", "subscriptions", "resume", "balances", "--reason", "done", "--actor", "ada"),
        Command(
            "resume.json", "subscriptions", "resume", "balances", "--json", "--reason", "done", "--actor", "ada"),
        Command(
            "rewind-dry-run.json", "subscriptions", "rewind", "notices", "--dry-run", "--json", "--reason", "again",
            "--actor", "ada"),
        Command(
            "rewind-dry-run.txt", "subscriptions", "rewind", "notices", "--dry-run", "--reason", "again", "--actor",
            "ada"
        ),
        Command(
            "rewind.txt", "subscriptions", "rewind", "notices", "--since", "2025-01-01T00:00:00Z", "--reason", "again",
            "--actor", "ada"),
    ]

    private static let parked: [Command] = [
        Command("dead-letters-list.txt", "dead-letters", "list"),
        Command("dead-letters-list.json", by: "daybook", "dead-letters", "list", "balances", "--json"),
        Command("dead-letters-show.txt", "dead-letters", "show", "balances", "account/d"),
        Command("subscriptions-list-parked.txt", "subscriptions", "list"),
        Command("subscriptions-verify-parked.txt", ending: 1, "subscriptions", "verify"),
        Command("projections-verify-parked.txt", ending: 1, "projections", "verify"),
        Command(
            "projections-patch-parked.txt", ending: 1, "projections", "patch", "--reason", "again", "--actor", "ada"),
        Command(
            "projections-rebuild-parked.txt", ending: 1, "projections", "rebuild", "--reason", "again", "--actor",
            "ada"),
        Command(
            "dead-letters-retry.txt", "dead-letters", "retry", "balances", "account/d", "--reason", "mended", "--actor",
            "ada"),
        Command(
            "dead-letters-retry.json", by: "daybook", "dead-letters", "retry", "balances", "account/d", "--json",
            "--reason", "mended", "--actor", "ada"),
        Command(
            "skip-dry-run.txt", by: "daybook", "subscriptions", "skip", "balances", "account/d", "--reason",
            "a mistake",
            "--actor", "ada", "--dry-run"),
        Command(
            "discard.json", "dead-letters", "discard", "balances", "account/d", "--reason", "a mistake", "--actor",
            "ada",
            "--json"),
        Command("dead-letters-none.txt", "dead-letters", "list"),
    ]

    private static let dropped: [Command] = [
        Command(
            "projections-drop-dry-run.txt", by: "daybook", "projections", "drop", "balances", "--dry-run", "--reason",
            "not needed", "--actor", "ada"),
        Command(
            "projections-drop-dry-run.json", "projections", "drop", "balances", "--dry-run", "--json", "--reason",
            "not needed", "--actor", "ada"),
        Command("projections-drop.txt", "projections", "drop", "balances", "--reason", "not needed", "--actor", "ada"),
        // The program still has it, the database does not.
        Command("projections-list-dropped.txt", "projections", "list"),
        Command("projections-list-none.txt", by: "daybook", "projections", "list"),
        Command("projections-runs-dropped.txt", by: "daybook", "runs", "--limit", "1"),
    ]

    @Test("the output of the commands of subscriptions is as recorded")
    func golden() async throws {
        try await withDeposits { admin in
            try await run(admin, "all is handled") {
                $0.documents(at: "subscriptions").allSatisfy { $0.integer(at: "behind") == 0 }
            }
            try await check(Self.sound, admin)

            let postings = "daybook.postings.balances"
            try await admin.database.delete(["_id": "account/a"], from: postings)
            try await admin.database.update(["_id": "account/b"], with: ["$set": ["version": 9]], in: postings)
            try await admin.database.insert(
                [["_id": "account/nobody", "version": 2], ["_id": "loan/x", "version": 1]], into: postings)
            try await check(Self.postings, admin)
            try await admin.database.update(["_id": "account/b"], with: ["$set": ["version": 1]], in: postings)
            for id in ["account/nobody", "loan/x"] {
                try await admin.database.delete(["_id": .string(id)], from: postings)
            }

            // The events of account/a were handled twice, since its posting was deleted.
            try await admin.database.delete(["_id": "c"], from: "views.balances")
            try await admin.database.insert(
                [["_id": "nobody", "state": ["balance": 1, "entries": 1], "events": 1]], into: "views.balances")
            try await check(Self.documents, admin)

            try await check(Self.changes, admin)
            let refused = try await admin.run("Teller", ["subscriptions", "rewind", "balances"] + Self.why)
            #expect(refused.status == 2 && refused.errors.contains("Run projections rebuild"), "\(refused.errors)")

            try await deposit([13, 1], to: "d", admin)
            try await run(admin, "it is parked") {
                $0.documents(at: "subscriptions").contains { $0.integer(at: "parked") == 1 }
            }
            try await check(Self.parked, admin)
            try await check(Self.dropped, admin)
            let again = try await admin.run("Teller", ["projections", "drop", "balances"] + Self.why)
            #expect(again.status == 2 && again.errors.contains("no projection \"balances\"; it has none"))
        }
    }

    @Test("an event that could not be handled is handled when it is tried again by a program that can")
    func retry() async throws {
        try await withDeposits { admin in
            try await deposit([13, 1], to: "d", admin)
            try await run(admin, "it is parked") {
                $0.documents(at: "subscriptions").contains { $0.integer(at: "parked") == 1 }
            }
            let retry = try await admin.run(
                "Teller", ["dead-letters", "retry", "balances", "account/d"] + Self.why)
            #expect(retry.status == 0, "\(retry.errors)")
            try await run(admin, environment: ["TELLER_TAKES_13": "1"], "it is handled") {
                $0.documents(at: "subscriptions").allSatisfy {
                    $0.integer(at: "behind") == 0 && $0.integer(at: "parked") == 0
                }
            }
            let document = try #require(try await admin.database.document(in: "views.balances", id: "d"))
            #expect(document.integer(at: "state.balance") == 34)
        }
    }

    @Test("a name that is not there is said, with those that are")
    func names() async throws {
        try await withDeposits { admin in
            let refusals: [(arguments: [String], part: String)] = [
                (["view", "nothing"], "no view \"nothing\"; it has balances"),
                (["view", "balances", #"{"$nope": 1}"#], "$nope"),
                (["subscriptions", "show", "nothing"], "it has balances, notices"),
                (["subscriptions", "pause", "nothing"] + Self.why, "it has balances, notices"),
                (["subscriptions", "verify", "nothing"], "it has balances, notices"),
                (["projections", "verify", "notices"], "it has balances"),
                (["projections", "drop", "notices"] + Self.why, "no projection"),
                (["projections", "drop", "balances"] + Self.why, "no projection"),
                (["projections", "verify"], "not built"),
                (["projections", "patch"] + Self.why, "not built"),
                (["view", "balances", #"{"$where": "true"}"#], "$where"),
                (["dead-letters", "show", "balances", "account/a"], "not parked"),
            ]
            for (arguments, part) in refusals {
                let run = try await admin.run("Teller", arguments)
                #expect(run.status == 2 && run.errors.contains(part), "\(arguments): \(run.status) \(run.errors)")
                #expect(run.output.isEmpty)
            }
        }
        try await withRawDatabase { database in
            let admin = AdminDatabase(database: database)
            for arguments in [
                ["run"], ["view", "balances"], ["subscriptions", "list"], ["dead-letters", "list"],
                ["projections", "list"],
            ] {
                let run = try await admin.run("Teller", arguments)
                #expect(run.status == 2 && run.errors.contains("journal"), "\(arguments): \(run.status) \(run.errors)")
            }
        }
    }

    @Test("run ends with 0 at each of its signals, and says on stderr what it runs", arguments: [SIGTERM, SIGINT])
    func signals(_ signal: Int32) async throws {
        try await withDeposits { admin in
            let child = try start(admin)
            var lines = child.lines.makeAsyncIterator()
            let line = try #require(await lines.next())
            #expect(line.contains("subscriptions: balances, notices"))
            child.signal(signal)
            var last = ""
            while let line = await lines.next() { last = line }
            #expect(last.hasSuffix("stopped"), "\(last)")
            #expect(await child.ending() == .exited(status: 0))
        }
    }

    // MARK: Support

    /// A database with four accounts.
    private func withDeposits(_ body: (AdminDatabase) async throws -> Void) async throws {
        try await withRawDatabase { database in
            let admin = AdminDatabase(database: database)
            let initialized = try await admin.run("Teller", ["init"])
            try #require(initialized.status == 0, "\(initialized.errors)")
            for (key, amounts) in [("a", [5, 7]), ("b", [1]), ("c", [2, 3]), ("d", [20])] {
                try await deposit(amounts, to: key, admin)
            }
            try await body(admin)
        }
    }

    private func deposit(_ amounts: [Int], to key: String, _ admin: AdminDatabase) async throws {
        let configuration = DaybookConfiguration(uri: try TestServer.uri, database: admin.database.name)
        try await withDaybook(configuration, aggregates: [Account.self]) {
            _ = try await $0.repository(Account.self).execute(.depositEach(amounts), on: key)
        }
    }

    private func start(_ admin: AdminDatabase, environment: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(
            builtExecutable("Teller"), ["run", "--database", admin.database.name], environment: environment,
            joinsErrors: true)
    }

    /// Runs the subscriptions until their list is as `isEnough` says.
    private func run(
        _ admin: AdminDatabase, environment: [String: String] = [:], _ what: String,
        until isEnough: (BSONDocument) throws -> Bool
    ) async throws {
        let child = try start(admin, environment: environment)
        let isDone = try await eventually("\(what)", within: .seconds(60)) {
            let list = try await admin.run("Teller", ["subscriptions", "list", "--json"])
            return try list.status == 0 && isEnough(try BSONDocument(extendedJSON: list.output))
        }
        #expect(isDone, "\(what)")
        child.signal(SIGTERM)
        #expect(await child.ending() == .exited(status: 0))
    }

    private func check(_ commands: [Command], _ admin: AdminDatabase) async throws {
        for command in commands {
            let run = try await admin.run(command.program, command.arguments)
            let line = "\(command.program) \(command.arguments.joined(separator: " "))"
            #expect(run.status == command.status, "\(line): \(run.status) \(run.errors)")
            do {
                try checkGoldenText(Self.masked(run.output), file: "Golden/Subscriptions/\(command.file)")
            } catch {
                Issue.record("\(line): \(error)")
            }
        }
    }

    /// A text with what differs from one run to the next made the same: how long it took, when, and by whom.
    private static func masked(_ text: String) -> String {
        text.replacing(/in [0-9.]+ s:/, with: "in TIME s:")
            .replacing(/"seconds" ?: ?[0-9.e-]+/, with: "\"seconds\": TIME")
            .replacing(/"lagSeconds" ?: ?[0-9.e-]+/, with: "\"lagSeconds\": TIME")
            .replacing(/"(run|holder)" : "[^"]*"/) { "\"\($0.1)\" : \"ID\"" }
            .replacing(/"runs" ?: ?\[[^\]]*\]/, with: "\"runs\": [ID]")
            .replacing(/\{ "\$date" : "[^"]*" \}/, with: "DATE")
            .replacing(/20[0-9-]{8}T[0-9:.]+Z/, with: "DATE")
    }
}
