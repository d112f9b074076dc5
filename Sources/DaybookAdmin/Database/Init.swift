internal import ArgumentParser
internal import Daybook

/// `init`: prepares the database.
struct Init<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "init",
            abstract: "Prepare the database: collections, validator, indexes, and roles if asked.",
            discussion: """
                It may run again and again: what is there is left as it is, and what conflicts is reported. Roles take \
                a user with userAdmin or dbOwner on the database; with --dry-run they are printed as commands for \
                mongosh, and nothing is done.
                """
        )
    }

    @Flag(help: "Make the roles of least privilege too: daybookApplication, daybookReader, daybookOperator.")
    var roles = false

    @Flag(help: "Print the commands that make the roles, and do nothing.")
    var dryRun = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await StandardOutput.write { output in
                if dryRun {
                    for role in try store.roles() { try output.line(role.script) }
                    return
                }
                try await store.initialize()
                try output.line("\(store.database) is prepared")
                guard roles else { return }
                for role in try await store.createRoles() { try output.line("made the role \(role.name.rawValue)") }
            }
        }
    }
}
