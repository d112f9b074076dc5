import ArgumentParser
@testable import DaybookAdmin
import Testing

/// What is wrong with the arguments is said before anything is sent.
@Suite("Wrong arguments")
struct UsageTests {
    private static let correct = ["correct", "loan/L-1", "--reason", "r", "--actor", "a"]

    @Test(
        "end with 64 and say what is wrong",
        arguments: [
            (["history", "loan"], "type/key"), (["history", "/x"], "type/key"), (["history", "loan/"], "the key is empty"),
            (["history", "loan/\u{7}"], "control character"), (["history", "loan/e\u{301}"], "normalization form C"),
            (["history"], "Missing expected argument"), (["history", "book/1"], "The types of library: loan, shelf."),
            (["history", "loan/1", "--from", "0"], "begin at 1"), (["history", "loan/1", "--from", "3", "--to", "2"], "behind"),
            (["history", "loan/1", "--from", "x"], "'x' is invalid"),
            (["show", "book/1"], "loan, shelf"), (["show", "loan/1", "--version", "0"], "at least 1"),
            (["show", "loan/1", "--at", "yesterday"], "RFC 3339"),
            (["show", "loan/1", "--version", "1", "--at", "2025-01-01T00:00:00Z"], "not both"),
            (["explain", "book/1"], "loan, shelf"), (["explain"], "Missing expected argument"),
            (["query", "book", "{}"], "loan, shelf"), (["query", "Loan", "{}"], "[a-z]"),
            (["query", "loan", "{\"a\": }"], "at line 1, column 7"), (["query", "loan", "[1]"], "extended JSON"),
            (["query", "loan"], "Missing expected argument"), (["query", "loan", "{}", "--limit", "0"], "at least 1"),
            (["query", "loan", "{}", "--sort", "{\"a\": 2}"], "1 for ascending"),
            (["query", "loan", "{}", "--sort", "a"], "extended JSON"),
            (["query", "shelf", "{}"], "lifecycle live"),
            (["tail", "--type", "book"], "loan, shelf"), (["tail", "--type", "B"], "[a-z]"),
            (["tail", "-n", "-1"], "Missing value"),
            (["tail", "--lines=-1"], "at least 0"), (["stats", "loan"], "Unexpected argument"), (["init", "--role"], "--roles"),
            (correct, "--set or --unset"), (correct + ["--set", "a"], "path=value"), (correct + ["--set", "a=b"], "'a=\"b\"'"),
            (correct + ["--set", "a=null"], "--unset a"), (correct + ["--set", "a..b=1"], "no name is empty"),
            (correct + ["--set", "=1"], "no name is empty"), (correct + ["--set", "a={\"b\": }"], "at line 1, column 7"),
            (correct + ["--set", "a=1", "--unset", "a"], "given twice"),
            (correct + ["--set", "a=1", "--set", "a.b=1"], "inside it"),
            (Array(correct.dropLast(2)) + ["--set", "a=1"], "--actor"),
            (["correct", "book/1"] + correct.dropFirst(2) + ["--set", "a=1"], "loan, shelf"),
            (Array(correct.dropLast()) + ["", "--set", "a=1"], "1 to 1024 bytes"),
            (["destroy"], "Unexpected argument"),
        ])
    func wrong(_ arguments: [String], _ part: String) {
        let error = #expect(throws: (any Error).self) { try LibraryCommand.parseAsRoot(arguments) }
        guard let error else { return }
        #expect(LibraryCommand.exitCode(for: error) == .validationFailure)
        let message = LibraryCommand.fullMessage(for: error)
        #expect(message.contains(part), "\(message)")
    }

    @Test("an application without aggregates takes any type, and has no command that folds")
    func generic() throws {
        _ = try ReaderCommand.parseAsRoot(["history", "book/1"])
        _ = try ReaderCommand.parseAsRoot(["tail", "--type", "book", "-n5", "-f"])
        #expect(throws: (any Error).self) { try ReaderCommand.parseAsRoot(["show", "book/1"]) }
    }

    @Test("without a server's address nothing is tried")
    func address() async throws {
        var options = StoreOptions()
        options.uri = ""
        let error = await #expect(throws: ValidationError.self) { [options] in
            try await options.withStore(of: Library.self) { _ in }
        }
        #expect(error?.message.contains("--uri") == true)
    }
}
