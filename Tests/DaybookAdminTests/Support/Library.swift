import ArgumentParser
import Daybook
import DaybookAdmin
import Foundation

/// An application that the commands are mounted in.
enum Library: AdminApplication {
    static let name = "library"
    static let aggregates: [any Aggregate.Type] = [Loan.self, Shelf.self]

    static func failure(for error: any Error) -> CommandFailure? {
        error is Closing ? CommandFailure("the library closes", label: "refused", exitCode: .findings) : nil
    }

    struct Closing: Error {}
}

/// One that has no aggregates.
enum Reader: AdminApplication {
    static let name = "reader"
}

struct LibraryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Library.name, abstract: "A library.", groupedSubcommands: Library.adminCommands)
}

struct ReaderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Reader.name, abstract: "A reader.", groupedSubcommands: Reader.adminCommands)
}

struct Loan: Aggregate {
    enum Event: Codable, Sendable { case lent }
    enum Command: Sendable { case lend }
    enum Rejection: Error {}

    static let type: AggregateType = "loan"
    var isLent = false
    init() {}
    mutating func apply(_ event: Event) { isLent = true }
    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] { [.lent] }
}

/// Keeps no snapshots.
struct Shelf: Aggregate {
    enum Event: Codable, Sendable { case filled }
    enum Command: Sendable { case fill }
    enum Rejection: Error {}

    static let type: AggregateType = "shelf"
    static let lifecycle = Lifecycle.live
    var count = 0
    init() {}
    mutating func apply(_ event: Event) { count += 1 }
    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] { [.filled] }
}
