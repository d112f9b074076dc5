internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import Foundation

/// `show`: the state of one aggregate, now or in the past.
struct Show<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show",
            abstract: "Print the state of one aggregate, as it is or as it was.",
            discussion: """
                What commands and loads see: the snapshot where it can be trusted, and otherwise the journal folded. \
                With --version or --at it is folded from the journal.
                """)
    }

    @OptionGroup var aggregate: AggregateArgument

    @Option(parsing: .unconditional, help: ArgumentHelp("As it was after this many events.", valueName: "number"))
    var version: Int64?

    @Option(
        help: ArgumentHelp("As it was at this time, by when events were recorded (RFC 3339).", valueName: "date"),
        transform: { try Arguments.date($0) })
    var at: Date?

    @Flag(help: "Print it on one line.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        _ = try Application.aggregate(aggregate.id.type)
        if version != nil, at != nil { throw ValidationError("Give --version or --at, not both.") }
        if let version, version < 1 { throw ValidationError("--version is at least 1.") }
    }

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            let snapshot = try await load(try Application.aggregate(aggregate.id.type), store)
            try await StandardOutput.write { output in
                if json { try output.json(snapshot) } else { try output.prettyJSON(snapshot) }
            }
        }
    }

    private func load<A: Aggregate>(_: A.Type, _ store: DaybookStore) async throws -> BSONDocument {
        let repository = store.repository(A.self)
        let point = version.map(PointInHistory.version) ?? at.map(PointInHistory.date)
        let snapshot =
            if let point { try await repository.load(aggregate.id.key, at: point) } else {
                try await repository.load(aggregate.id.key)
            }
        guard snapshot.exists else {
            throw CommandFailure(
                "\(aggregate.id) has no events\(at.map { " at \($0.rfc3339)" } ?? "") in \(store.database)")
        }
        var document: BSONDocument = [
            EventKey.aggregateID: .string(snapshot.id.rawValue), SnapshotKey.version: .int64(snapshot.version),
        ]
        try document.append(SnapshotKey.stateSchema, .int32(A.stateSchema))
        try document.append(SnapshotKey.createdAt, ifPresent: snapshot.createdAt.map { .datetime(try BSONDate($0)) })
        try document.append(SnapshotKey.updatedAt, ifPresent: snapshot.updatedAt.map { .datetime(try BSONDate($0)) })
        try document.append(SnapshotKey.state, .document(try snapshot.encodedState()))
        return document
    }
}
