import ArgumentParser
import Daybook
import DaybookAdmin
import Foundation

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

    struct Loan: Aggregate {
        enum Event: Codable, Sendable { case lent(member: String) }
        enum Command: Sendable { case lend(member: String) }
        enum Rejection: Error {}

        static let type: AggregateType = "loan"
        var member: String?
        init() {}
        mutating func apply(_ event: Event) { if case .lent(let member) = event { self.member = member } }
        func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
            switch command {
            case .lend(let member): [.lent(member: member)]
            }
        }
    }

    struct Member: Aggregate {
        enum Event: Codable, Sendable { case joined }
        enum Command: Sendable { case join }
        enum Rejection: Error {}

        static let type: AggregateType = "member"
        var isMember = false
        init() {}
        mutating func apply(_ event: Event) { isMember = true }
        func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] { [.joined] }
    }
}
