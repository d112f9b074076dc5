import ArgumentParser
import DaybookAdmin
import TestSupport
import Testing

@Suite("Help")
struct HelpTests {
    @Test("the root lists the commands in groups; without aggregates, those that need none")
    func roots() throws {
        try checkGoldenText(LibraryCommand.helpMessage(columns: 100), file: "Golden/library.txt")
        try checkGoldenText(ReaderCommand.helpMessage(columns: 100), file: "Golden/reader.txt")
    }

    @Test("every command has its help", arguments: Library.commands.map(\.name))
    func commands(_ name: String) throws {
        let command = try #require(Library.commands.first { $0.name == name }?.type)
        let file = "Golden/library-\(name.replacing(" ", with: "-")).txt"
        try checkGoldenText(LibraryCommand.helpMessage(for: command, columns: 100), file: file)
    }

    /// Commands whose help says what they cannot do without aggregates, or leaves out some of their own commands.
    private static let different = ["verify", "subscriptions", "projections"]

    @Test("the help of a command that does less without aggregates says so", arguments: different)
    func lesser(_ name: String) throws {
        let command = try #require(Reader.commands.first { $0.name == name }?.type)
        try checkGoldenText(ReaderCommand.helpMessage(for: command, columns: 100), file: "Golden/reader-\(name).txt")
    }

    @Test(
        "a command that needs no aggregate is the same without one",
        arguments: Reader.commands.map(\.name).filter { !different.contains($0) })
    func general(_ name: String) throws {
        let command = try #require(Reader.commands.first { $0.name == name }?.type)
        let same = try #require(Library.commands.first { $0.name == name }?.type)
        let help = ReaderCommand.helpMessage(for: command, columns: 100)
        #expect(help.replacing("reader ", with: "library ") == LibraryCommand.helpMessage(for: same, columns: 100))
    }
}

extension AdminApplication {
    /// Every command, and those within it, as they are called.
    fileprivate static var commands: [(name: String, type: any ParsableCommand.Type)] {
        adminCommands.flatMap(\.subcommands).flatMap { command in
            let name = command.configuration.commandName ?? ""
            return [(name, command)]
                + command.configuration.subcommands.map { ("\(name) \($0.configuration.commandName ?? "")", $0) }
        }
    }
}
