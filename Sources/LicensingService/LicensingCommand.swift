internal import ArgumentParser
internal import Foundation
internal import Logging

@main
struct LicensingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "licensing",
        abstract: "Licences for downloaded titles, kept in a Daybook.",
        discussion: """
            Data goes to stdout, progress and logs to stderr.
            Exit codes: 0 done, 1 the domain refused the command, 2 it could not be done, 64 wrong usage.
            """,
        subcommands: [Init.self, Seed.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Commands",
                subcommands: [
                    Acquire.self, Downloaded.self, Sessions.self, Renew.self, Expire.self, Release.self, Revoke.self, Plan.self,
                    RemoveDevice.self, CorrectExpiry.self, CorrectDownloads.self,
                ]),
            CommandGroup(name: "Reads", subcommands: [Show.self, HistoryCommand.self, ShowMember.self, Query.self]),
        ]
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
