internal import Daybook
internal import DaybookBSON
internal import DaybookOperations
internal import Foundation

/// An event of the journal on one line, even if it is damaged.
struct EventLine {
    static let heading =
        "\(Text.padded("VERSION", 7))  \(columns("RECORDED", "TYPE", "SCHEMA", "ACTOR", "COMMAND"))DATA"

    private let entry: JournalEntry

    init(_ entry: JournalEntry) {
        self.entry = entry
    }

    /// The line with the version first.
    var text: String { "\(Text.padded(version, 7, isRight: true))  \(rest)" }

    /// The line with the aggregate first, for events of many aggregates.
    var textWithAggregate: String {
        let metadata = entry.metadata
        let who = [metadata.commandName.map(Text.plain), metadata.actor.map { "by \(Text.plain($0))" }].compactMap(
            \.self)
        return [
            recordedAt, "\(Text.plain(entry.aggregateID ?? "?"))", "v\(version)", type,
            who.isEmpty ? "-" : who.joined(separator: " "),
            data,
        ].joined(separator: "  ")
    }

    private var rest: String {
        let metadata = entry.metadata
        return Self.columns(
            recordedAt, type, entry.schema.map { "\($0)" } ?? "?", Text.plain(metadata.actor ?? "-"),
            Text.plain(metadata.commandName ?? "-")) + data
    }

    private static func columns(
        _ recorded: String, _ type: String, _ schema: String, _ actor: String, _ command: String
    )
        -> String
    {
        "\(Text.padded(recorded, 24))  \(Text.padded(type, 16))  \(Text.padded(schema, 6, isRight: true))  "
            + "\(Text.padded(actor, 12))  \(Text.padded(command, 16))  "
    }

    private var version: String { entry.version.map { "\($0)" } ?? "?" }
    private var recordedAt: String { entry.recordedAt?.rfc3339 ?? "?" }
    private var type: String { entry.isCorrection ? "correction" : Text.plain(entry.type ?? "?") }

    /// The payload as relaxed extended JSON; of a correction only the patch and the reason.
    private var data: String {
        guard let data = entry.data else { return "?" }
        if entry.isCorrection, case .document(let patch)? = data[CorrectionKey.patch],
            case .string(let reason)? = data[CorrectionKey.reason]
        {
            return "\(Self.json(patch)) because: \(Text.plain(reason))"
        }
        return Self.json(data)
    }

    private static func json(_ document: BSONDocument) -> String {
        if document == BSONDocument() { return "{}" }
        return (try? document.extendedJSON(.relaxed)) ?? "(damaged)"
    }
}
