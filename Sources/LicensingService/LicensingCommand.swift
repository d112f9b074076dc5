internal import ArgumentParser
internal import Daybook
internal import Foundation
internal import Licensing
internal import Logging

@main
struct LicensingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "licensing",
        abstract: "Licences for downloaded titles, kept in a Daybook.",
        discussion: """
            Data goes to stdout, progress and logs to stderr.
            Exit codes: 0 done, 1 the licence refused the command, 2 it could not be done, 64 wrong usage.
            """,
        subcommands: [Seed.self, Show.self, HistoryCommand.self, Query.self, Renew.self]
    )

    /// Logs go to stderr, so that stdout stays data.
    static func main() async {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        await main(nil)
    }
}

/// Where the store is; every command has it.
struct StoreOptions: ParsableArguments {
    @Option(help: "MongoDB connection string. (default: $DAYBOOK_URI)")
    var uri: String?

    @Option(help: "Database of the journal and its snapshots. (default: $DAYBOOK_DATABASE, then the URI's, then daybook)")
    var database: String?

    /// Runs `body` with the repository of licences. A failure is printed as one line and ends the process with its exit code.
    func withLicenses(_ body: @Sendable (DaybookStore, Repository<License>) async throws -> Void) async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let uri = uri ?? environment["DAYBOOK_URI"], !uri.isEmpty else {
            throw ValidationError(
                "Where is the server? Give --uri or set DAYBOOK_URI; scripts/mongo up starts one and prints its URI.")
        }
        var configuration = DaybookConfiguration(uri: uri, database: database ?? environment["DAYBOOK_DATABASE"])
        configuration.appName = "licensing"
        do {
            try await withDaybook(configuration) { store in
                try await body(store, store.repository(License.self))
            }
        } catch let rejection as License.Rejection {
            let limit = rejection.limit.map { " (limit \($0))" } ?? ""
            printError("refused: \(rejection.reason.rawValue)\(limit)")
            throw ExitCode(1)
        } catch let error as DaybookError {
            printError("error: \(error)")
            throw ExitCode(2)
        } catch  where !(error is ExitCode || error is ValidationError) {
            printError("error: \(error)")
            throw ExitCode(2)
        }
    }
}

func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
