import ArgumentParser
import Daybook
import DaybookAdmin
import SampleAggregates

/// An application that the commands are mounted in.
enum Library: AdminApplication {
    static let name = "library"
    static let aggregates: [any Aggregate.Type] = [Loan.self, Meter.self]

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
