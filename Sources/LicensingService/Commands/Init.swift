internal import ArgumentParser
internal import Daybook
internal import Foundation

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prepare the database: collections, validator, indexes, and roles if asked.",
        discussion: """
            It may run again and again: what is there is left as it is, and what conflicts is reported. Roles take a user with userAdmin or \
            dbOwner on the database; with --dry-run they are printed as commands for mongosh, and nothing is done.
            """
    )

    @Flag(help: "Make the roles of least privilege too: daybookApplication, daybookReader, daybookOperator.")
    var roles = false

    @Flag(help: "Print the commands that make the roles, and do nothing.")
    var dryRun = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        try await options.withStore { store in
            if dryRun {
                for role in try store.roles() { print(role.script) }
                return
            }
            try await store.initialize()
            print("\(store.database) is prepared")
            guard roles else { return }
            for role in try await store.createRoles() { print("made the role \(role.name.rawValue)") }
        }
    }
}
