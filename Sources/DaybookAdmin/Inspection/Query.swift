internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations

/// `query`: snapshots by a MongoDB filter.
struct Query<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "query",
            abstract: "Print the snapshots of one type that match a MongoDB filter.",
            discussion: """
                The filter is extended JSON on the stored document: '{"state.renewals": {"$gte": 2}, \
                "state.expiresAt": {"$lt": {"$date": "2025-06-01T00:00:00Z"}}}'. Snapshots are printed as they are \
                stored, also those that a load would not trust. Each is a line: id, version and state; with --json, \
                the whole document.
                """)
    }

    @Argument(
        help: ArgumentHelp("The type of the aggregates.", valueName: "type"), transform: { try Arguments.type($0) })
    var type: AggregateType

    @Argument(
        help: ArgumentHelp("The filter; '{}' for all.", valueName: "filter"), transform: { try Arguments.document($0) })
    var filter: BSONDocument

    @Option(
        help: ArgumentHelp(#"In which order: '{"state.expiresAt": 1}', or -1 for descending."#, valueName: "json"),
        transform: { try SortOrder(parsing: $0) })
    var sort: SortOrder?

    @Option(parsing: .unconditional, help: ArgumentHelp("At most so many.", valueName: "number"))
    var limit: Int?

    @Flag(help: "Print each snapshot's whole document.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        let aggregate = try Application.aggregate(type)
        guard aggregate.lifecycle != .live else {
            throw ValidationError("\(type) has the lifecycle live: it stores no snapshots that could be queried.")
        }
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
    }

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await store.requireJournal(for: "query")
            try await StandardOutput.write { try await query(try Application.aggregate(type), store, $0) }
        }
    }

    private func query<A: Aggregate>(_: A.Type, _ store: DaybookStore, _ output: StandardOutput) async throws {
        let documents = try store.storedSnapshots(of: A.self, matching: filter, sort: sort?.columns ?? [], limit: limit)
        for try await document in documents {
            if json {
                try output.json(document)
            } else {
                try output.line(
                    [
                        document[SnapshotKey.id].map(Text.value) ?? "?",
                        document[SnapshotKey.version].map { "v\($0.shown())" } ?? "?",
                        document[SnapshotKey.state].map(Text.value) ?? "?",
                    ].joined(separator: "  "))
            }
        }
    }
}
