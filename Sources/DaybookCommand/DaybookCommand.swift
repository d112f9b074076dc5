internal import ArgumentParser
internal import DaybookAdmin

/// The admin commands that need no code of an aggregate, for any Daybook database.
@main
struct DaybookCommand: AsyncParsableCommand {
    enum Application: AdminApplication {
        static let name = "daybook"
    }

    static let configuration = CommandConfiguration(
        commandName: Application.name,
        abstract: "Look into a Daybook database: its journal of events and the snapshots made of them.",
        discussion: """
            These commands know no aggregate. Those that fold events (show, explain, correct, a full verify, patch, \
            rebuild) are in the executable of the application that the database belongs to.

            Data goes to stdout, progress and logs to stderr.
            Exit codes: 0 done or clean, 1 something was found, 2 it could not be done, 64 wrong usage, 130 interrupted.
            """,
        groupedSubcommands: Application.adminCommands
    )

    static func main() async { await runProcess(of: Application.self) }
}
