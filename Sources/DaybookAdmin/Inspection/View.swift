internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import DaybookSubscriptions

/// `view`: documents of a projection by a MongoDB filter.
struct View<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "view",
            abstract: "Print the documents of a projection's view that match a MongoDB filter.",
            discussion: """
                The filter is extended JSON on the stored document: '{"state.openCount": {"$gte": 2}}'. Each document \
                is a line: key and state; with --json, the whole document.
                """)
    }

    @Argument(
        help: ArgumentHelp("The view, by the name of its projection.", valueName: "name"),
        transform: { try Arguments.subscription($0) })
    var name: SubscriptionName

    @Argument(
        help: ArgumentHelp("The filter. (default: '{}', for all)", valueName: "filter"),
        transform: { try Arguments.document($0) })
    var filter: BSONDocument?

    @Option(
        help: ArgumentHelp(#"In which order: '{"state.openCount": 1}', or -1 for descending."#, valueName: "json"),
        transform: { try SortOrder(parsing: $0) })
    var sort: SortOrder?

    @Option(parsing: .unconditional, help: ArgumentHelp("At most so many.", valueName: "number"))
    var limit: Int?

    @Flag(help: "Print each whole document.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws { if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") } }

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "view")
            let documents = try await store.storedView(
                name.rawValue, matching: filter ?? [:], sort: sort?.columns ?? [], limit: limit)
            try await StandardOutput.write { output in
                for try await document in documents {
                    if json {
                        try output.json(document)
                    } else {
                        let cells = [ViewKey.id, ViewKey.state].map { document[$0].map(Text.value) ?? "?" }
                        try output.line(cells.joined(separator: "  "))
                    }
                }
            }
        }
    }
}
