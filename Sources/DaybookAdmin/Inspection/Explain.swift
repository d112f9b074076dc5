internal import ArgumentParser
internal import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import Foundation

/// `explain`: why one aggregate is in its state.
struct Explain<Application: AdminApplication>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "explain",
            abstract:
                "Print every event of one aggregate with its command, who and what caused it, and the fields that it "
                + "changed.",
            discussion: """
                The changes are found by folding event by event, and comparing the encoded states. With --json each \
                line is one event: { version, recordedAt, type, actor, command, commandId, correlationId, causationId, \
                changes: [{ path, before, after }] }, without what is not known.
                """)
    }

    @OptionGroup var aggregate: AggregateArgument

    @Flag(help: "Print one line of JSON for each event.")
    var json = false

    @OptionGroup(title: "Store") var options: StoreOptions

    func validate() throws {
        _ = try Application.aggregate(aggregate.id.type)
    }

    func run() async throws {
        try await options.withStore(of: Application.self) { store in
            try await StandardOutput.write {
                try await explain(try Application.aggregate(aggregate.id.type), store, $0)
            }
        }
    }

    private func explain<A: Aggregate>(_: A.Type, _ store: DaybookStore, _ output: StandardOutput) async throws {
        var count = 0
        for try await event in try store.repository(A.self).explain(aggregate.id.key) {
            if json {
                try output.json(Self.document(event))
            } else {
                if count > 0 { try output.line() }
                for line in Self.lines(event) { try output.line(line) }
            }
            count += 1
        }
        guard count > 0 else { throw CommandFailure("\(aggregate.id) has no events in \(store.database)") }
    }

    private static func lines(_ event: ExplainedEvent) -> [String] {
        let (entry, metadata) = (event.entry, event.entry.metadata)
        var rows: [[String]] = []
        if let name = metadata.commandName ?? metadata.commandID {
            let id = metadata.commandID.flatMap { $0 == name ? nil : " (\($0))" } ?? ""
            rows.append(["command", Text.plain(name + id)])
        }
        if let actor = metadata.actor { rows.append(["actor", Text.plain(actor)]) }
        if let correlation = metadata.correlationID { rows.append(["correlation", Text.plain(correlation)]) }
        if let causation = metadata.causationID { rows.append(["causation", Text.plain(causation)]) }
        if entry.isCorrection, case .string(let reason)? = entry.data?[CorrectionKey.reason] {
            rows.append(["reason", Text.plain(reason)])
        }
        let type = entry.isCorrection ? "correction" : Text.plain(entry.type ?? "?")
        let changes = Text.changes(event.changes)
        return ["\(entry.version ?? 0)  \(entry.recordedAt?.rfc3339 ?? "?")  \(type)"]
            + Text.table(rows).map { "   \($0)" }
            + (changes.isEmpty ? ["   no field changed"] : changes.map { "   * \($0)" })
    }

    private static func document(_ event: ExplainedEvent) throws -> BSONDocument {
        let (entry, metadata) = (event.entry, event.entry.metadata)
        var document = BSONDocument()
        try document.append(EventKey.version, ifPresent: entry.version.map { .int64($0) })
        try document.append(EventKey.recordedAt, ifPresent: entry.document[EventKey.recordedAt])
        try document.append(EventKey.type, ifPresent: entry.type.map { .string($0) })
        try document.append(EventKey.actor, ifPresent: metadata.actor.map { .string($0) })
        try document.append("command", ifPresent: metadata.commandName.map { .string($0) })
        try document.append(EventKey.commandID, ifPresent: metadata.commandID.map { .string($0) })
        try document.append(EventKey.correlationID, ifPresent: metadata.correlationID.map { .string($0) })
        try document.append(EventKey.causationID, ifPresent: metadata.causationID.map { .string($0) })
        if entry.isCorrection {
            try document.append(CorrectionKey.reason, ifPresent: entry.data?[CorrectionKey.reason])
        }
        try document.append("changes", .array(try event.changes.map { .document(try $0.document) }))
        return document
    }
}
