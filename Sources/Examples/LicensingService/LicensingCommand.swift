internal import ArgumentParser
internal import DaybookAdmin

@main
struct LicensingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: LicensingAdmin.name,
        abstract: "Licences for downloaded titles, kept in a Daybook.",
        discussion: """
            Data goes to stdout, progress and logs to stderr.
            Exit codes: 0 done or clean, 1 the domain refused the command or something was found, 2 it could not be \
            done, 64 wrong usage, 130 interrupted.
            """,
        subcommands: [Seed.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Commands",
                subcommands: [
                    Acquire.self, Downloaded.self, Sessions.self, Renew.self, Expire.self, Release.self, Revoke.self,
                    Plan.self,
                    RemoveDevice.self, CorrectExpiry.self, CorrectDownloads.self,
                ]),
            CommandGroup(name: "Reads", subcommands: [ShowLicense.self, ShowMember.self, ListLicenses.self]),
        ] + LicensingAdmin.adminCommands
    )

    static func main() async { await runProcess(of: LicensingAdmin.self) }
}
