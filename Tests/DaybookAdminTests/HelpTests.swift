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

    @Test(
        "every command has its help",
        arguments: Library.adminCommands.flatMap(\.subcommands).map { $0.configuration.commandName ?? "" })
    func commands(_ name: String) throws {
        let command = try #require(
            Library.adminCommands.flatMap(\.subcommands).first { $0.configuration.commandName == name })
        try checkGoldenText(LibraryCommand.helpMessage(for: command, columns: 100), file: "Golden/library-\(name).txt")
    }

    @Test("the help of verify without aggregates says what it cannot check")
    func envelopes() throws {
        let command = try #require(
            Reader.adminCommands.flatMap(\.subcommands).first { $0.configuration.commandName == "verify" })
        try checkGoldenText(ReaderCommand.helpMessage(for: command, columns: 100), file: "Golden/reader-verify.txt")
    }

    @Test(
        "a command that needs no aggregate is the same without one",
        arguments: Reader.adminCommands.flatMap(\.subcommands).map { $0.configuration.commandName ?? "" }.filter {
            $0 != "verify"
        })
    func general(_ name: String) throws {
        let command = try #require(
            Reader.adminCommands.flatMap(\.subcommands).first { $0.configuration.commandName == name })
        let same = try #require(
            Library.adminCommands.flatMap(\.subcommands).first { $0.configuration.commandName == name })
        let help = ReaderCommand.helpMessage(for: command, columns: 100)
        #expect(help.replacing("reader ", with: "library ") == LibraryCommand.helpMessage(for: same, columns: 100))
    }
}
