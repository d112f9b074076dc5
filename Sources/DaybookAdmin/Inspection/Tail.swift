internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations

/// `tail`: the last events of the journal, and optionally new ones.
struct Tail<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "tail",
            abstract:
                "Print the last events of the journal, and with --follow those that come, until it is interrupted.",
            discussion: """
                The last are those with the largest ids, which is near the order of time; those that come are in the \
                order in which they become visible. With --json each line is the whole document, as relaxed extended \
                JSON.
                """)
    }

    @OptionGroup var types: TypeOptions

    @Option(
        name: [.customShort("n", allowingJoined: true), .long], parsing: .unconditional,
        help: ArgumentHelp("How many of the last.", valueName: "number"))
    var lines = 10

    @Flag(name: .shortAndLong, help: "Go on with those that come.")
    var follow = false

    @Flag(help: "Print each event's whole document.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        try Application.requireKnown(types.types)
        if lines < 0 { throw ValidationError("--lines is at least 0.") }
    }

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await StandardOutput.write { output in
                for try await element in store.tail(lines, of: types.types, isFollowing: follow) {
                    switch element {
                    case .event(let entry):
                        if json {
                            try output.json(entry.document)
                        } else {
                            try output.line(EventLine(entry).textWithAggregate)
                        }
                        // A user who follows the journal wants to see each event at once.
                        if follow { try output.flush() }
                    case .idle:
                        // Without this check, a closed output would be noticed only at the next event, which may never
                        // come.
                        try output.requireReader()
                    }
                }
            }
        }
    }
}
