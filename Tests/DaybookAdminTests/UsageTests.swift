import ArgumentParser
import Daybook
@testable import DaybookAdmin
import Testing

/// What is wrong with the arguments is said before anything is sent.
@Suite("Wrong arguments")
struct UsageTests {
    /// A command line, and a part of what is said of it.
    struct Mistake: Sendable {
        let arguments: [String]
        let part: String

        init(_ arguments: [String], _ part: String) {
            self.arguments = arguments
            self.part = part
        }

        /// With everything that `correct` needs besides its fields.
        static func correct(_ fields: String..., part: String) -> Mistake {
            Mistake(["correct", "loan/L-1", "--reason", "r", "--actor", "a"] + fields, part)
        }
    }

    private static let aggregates: [Mistake] = [
        Mistake(["history", "loan"], "type/key"),
        Mistake(["history", "/x"], "type/key"),
        Mistake(["history", "loan/"], "the key is empty"),
        Mistake(["history", "loan/\u{7}"], "control character"),
        Mistake(["history", "loan/e\u{301}"], "normalization form C"),
        Mistake(["history"], "Missing expected argument"),
        Mistake(["history", "book/1"], "The types of library: loan, meter."),
        Mistake(["show", "book/1"], "loan, meter"),
        Mistake(["explain", "book/1"], "loan, meter"),
        Mistake(["explain"], "Missing expected argument"),
        Mistake(["query", "book", "{}"], "loan, meter"),
        Mistake(["query", "Loan", "{}"], "[a-z]"),
        Mistake(["query", "meter", "{}"], "lifecycle live"),
        Mistake(["tail", "--type", "book"], "loan, meter"),
        Mistake(["tail", "--type", "B"], "[a-z]"),
        Mistake(["correct", "book/1", "--reason", "r", "--actor", "a", "--set", "a=1"], "loan, meter"),
    ]

    private static let options: [Mistake] = [
        Mistake(["history", "loan/1", "--from", "0"], "begin at 1"),
        Mistake(["history", "loan/1", "--from", "3", "--to", "2"], "is after"),
        Mistake(["history", "loan/1", "--from", "x"], "'x' is invalid"),
        Mistake(["show", "loan/1", "--version", "0"], "at least 1"),
        Mistake(["show", "loan/1", "--at", "yesterday"], "RFC 3339"),
        Mistake(["show", "loan/1", "--version", "1", "--at", "2025-01-01T00:00:00Z"], "not both"),
        Mistake(["query", "loan", "{\"a\": }"], "at line 1, column 7"),
        Mistake(["query", "loan", "[1]"], "extended JSON"),
        Mistake(["query", "loan"], "Missing expected argument"),
        Mistake(["query", "loan", "{}", "--limit", "0"], "at least 1"),
        Mistake(["query", "loan", "{}", "--limit", "-1"], "at least 1"),
        Mistake(["query", "loan", "{}", "--sort", "{\"a\": 2}"], "1 for ascending"),
        Mistake(["query", "loan", "{}", "--sort", "a"], "extended JSON"),
        Mistake(["tail", "-n", "-1"], "at least 0"),
        Mistake(["tail", "--lines=-1"], "at least 0"),
        Mistake(["stats", "loan"], "Unexpected argument"),
        Mistake(["init", "--role"], "--roles"),
        Mistake(["destroy"], "Unexpected argument"),
    ]

    private static let corrections: [Mistake] = [
        .correct(part: "--set or --unset"),
        .correct("--set", "a", part: "path=value"),
        .correct("--set", "a=b", part: "'a=\"b\"'"),
        .correct("--set", "a=null", part: "--unset a"),
        .correct("--set", "a..b=1", part: "no name is empty"),
        .correct("--set", "=1", part: "no name is empty"),
        .correct("--set", "a={\"b\": }", part: "at line 1, column 7"),
        .correct("--set", "a=1", "--unset", "a", part: "given twice"),
        .correct("--set", "a=1", "--set", "a.b=1", part: "inside it"),
        Mistake(["correct", "loan/1", "--reason", "r", "--set", "a=1"], "--actor"),
        Mistake(["correct", "loan/1", "--reason", "r", "--actor", "", "--set", "a=1"], "1 to 1024 bytes"),
    ]

    private static let subscriptions: [Mistake] = [
        Mistake(["view"], "Missing expected argument"),
        Mistake(["view", "Loans"], "[a-z]"),
        Mistake(["view", "loans", "[1]"], "extended JSON"),
        Mistake(["view", "loans", "--limit", "0"], "at least 1"),
        Mistake(["view", "loans", "--sort", "{\"a\": 2}"], "1 for ascending"),
        Mistake(["subscriptions", "show"], "Missing expected argument"),
        Mistake(["subscriptions", "pause", "loans"], "--reason"),
        Mistake(["subscriptions", "resume", "loans", "--reason", ""], "1 to 1024 bytes"),
        Mistake(["subscriptions", "pause", "loans", "--reason", "r", "--actor", ""], "1 to 1024 bytes"),
        Mistake(["subscriptions", "rewind", "loans", "--reason", "r", "--since", "yesterday"], "RFC 3339"),
        Mistake(["subscriptions", "rewind", "loans", "--reason", "r", "--type", "book"], "loan, meter"),
        Mistake(
            ["subscriptions", "rewind", "loans", "--reason", "r", "--id", "loan/1", "--type", "loan"],
            "one of --id, --type and --since"),
        Mistake(["subscriptions", "skip", "loans", "--reason", "r"], "Missing expected argument"),
        Mistake(["subscriptions", "verify", "L"], "[a-z]"),
        Mistake(["dead-letters", "list", "a", "b"], "Unexpected argument"),
        Mistake(["dead-letters", "retry", "loans", "loan", "--reason", "r"], "type/key"),
        Mistake(["dead-letters", "discard", "loans", "loan/1"], "--reason"),
        Mistake(["projections", "rebuild", "X"], "[a-z]"),
        Mistake(["projections", "rebuild", "--dry-run", "--reason", "x"], "--dry-run"),
        Mistake(["projections", "rebuild", "--reason", ""], "--reason has 1 to 1024 bytes"),
        Mistake(["projections", "drop", "x"], "--reason <text>"),
        Mistake(["projections", "drop"], "Missing expected argument"),
        Mistake(["run", "loans"], "Unexpected argument"),
    ]

    @Test(
        "wrong arguments end with 64 and say what is wrong",
        arguments: aggregates + options + corrections + subscriptions)
    func wrong(_ mistake: Mistake) {
        let error = #expect(throws: (any Error).self) { _ = try LibraryCommand.parseAsRoot(mistake.arguments) }
        guard let error else { return }
        #expect(LibraryCommand.exitCode(for: error) == .validationFailure)
        let message = LibraryCommand.fullMessage(for: error)
        #expect(message.contains(mistake.part), "\(message)")
    }

    @Test("an application without aggregates takes any type, and has no command that folds")
    func generic() throws {
        _ = try ReaderCommand.parseAsRoot(["history", "book/1"])
        _ = try ReaderCommand.parseAsRoot(["tail", "--type", "book", "-n5", "-f"])
        _ = try ReaderCommand.parseAsRoot(["subscriptions", "skip", "loans", "book/1", "--reason", "r", "--dry-run"])
        for arguments in [
            ["show", "book/1"], ["run"], ["subscriptions", "patch"], ["projections", "verify"],
            ["projections", "rebuild"],
        ] {
            #expect(throws: (any Error).self) { try ReaderCommand.parseAsRoot(arguments) }
        }
    }

    @Test("a command without a server's address fails before anything is sent")
    func address() async throws {
        var options = StoreOptions()
        options.uri = ""
        do {
            try await options.withStore(of: Library.self) { (_: DaybookStore) async throws -> Void in }
            Issue.record("it went somewhere")
        } catch let error as ValidationError {
            #expect(error.message.contains("--uri"))
        }
    }
}
