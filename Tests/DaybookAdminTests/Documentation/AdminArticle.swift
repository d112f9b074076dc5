import ArgumentParser
import Daybook
import DaybookAdmin
import SampleAggregates

/// The code of the article about DaybookAdmin, as it stands there.
enum AdminArticle {
    enum Library: AdminApplication {
        static let name = "library"
        static let aggregates: [any Aggregate.Type] = [Loan.self, Member.self]
    }

    // A test target has no @main of its own.
    struct LibraryCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: Library.name,
            subcommands: [Lend.self],
            groupedSubcommands: Library.adminCommands
        )

        static func main() async { await runProcess(of: Library.self) }
    }

    struct Lend: AsyncParsableCommand {
        @Argument var copy: String
        @Option var member: String
        @OptionGroup(title: "Store") var options: StoreOptions

        func run() async throws {
            try await options.withStore(of: Library.self) { store in
                _ = try await store.repository(Loan.self).execute(.lend(member: member), on: copy)
            }
        }
    }

    typealias Member = Account
}
