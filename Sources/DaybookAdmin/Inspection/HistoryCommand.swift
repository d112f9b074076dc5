internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations

/// `history`: the events of one aggregate.
struct HistoryCommand<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "history",
            abstract: "Print the events of one aggregate, oldest first, as they are stored.",
            discussion: """
                Nothing is folded or decoded, so it also shows what an aggregate cannot read. With --json each line is \
                the whole document, as relaxed extended JSON.
                """)
    }

    @OptionGroup var aggregate: AggregateArgument

    @Option(parsing: .unconditional, help: ArgumentHelp("From this version on.", valueName: "version"))
    var from: Int64?

    @Option(parsing: .unconditional, help: ArgumentHelp("Up to this version.", valueName: "version"))
    var to: Int64?

    @Flag(help: "Print each event's whole document.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        try Application.requireKnown([aggregate.id.type])
        for bound in [from, to].compactMap(\.self) where bound < 1 { throw ValidationError("Versions begin at 1.") }
        if let from, let to, from > to { throw ValidationError("--from \(from) is after --to \(to).") }
    }

    func run() async throws {
        let isWhole = from == nil && to == nil
        let versions = isWhole ? nil : (from ?? 1)...(to ?? .max)
        try await options.withStore(of: Application.self) { store in
            try await StandardOutput.write { output in
                var expected = from ?? 1
                var count = 0
                for try await document in store.storedEvents(of: aggregate.id, versions: versions) {
                    let entry = JournalEntry(document)
                    count += 1
                    if let version = entry.version {
                        if version > expected { warn(missing: expected, through: version - 1) }
                        // A damaged journal may have the largest integer as a version, after which there is no other.
                        expected = min(version, .max - 1) + 1
                    }
                    if json {
                        try output.json(document)
                    } else {
                        if count == 1 { try output.line(EventLine.heading) }
                        try output.line(EventLine(entry).text)
                    }
                }
                guard count > 0 else {
                    throw CommandFailure(
                        "\(aggregate.id) has no events\(isWhole ? "" : " of these versions") in \(store.database)")
                }
            }
        }
    }

    /// Warns of missing events; the events that exist are still shown.
    private func warn(missing first: Int64, through last: Int64) {
        StandardError.line(
            "warning: \(first == last ? "event \(first) is" : "events \(first) to \(last) are") missing: the journal "
                + "has a gap. Run verify."
        )
    }
}
