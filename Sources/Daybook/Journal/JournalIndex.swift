internal import DaybookBSON
internal import DaybookMongo

/// The indexes of the journal, and no others by default.
enum JournalIndex: String, CaseIterable, Sendable {
    /// Optimistic concurrency, reads of one aggregate, scans of one type, ranges for parallel work.
    case versions = "index of versions"
    /// A command takes effect once on an aggregate.
    case commands = "index of command ids"

    var model: IndexModel {
        switch self {
        case .versions:
            IndexModel(
                name: "aggregateId_version", keys: [(EventKey.aggregateID, 1), (EventKey.version, 1)], isUnique: true)
        case .commands:
            IndexModel(
                name: "aggregateId_commandId", keys: [(EventKey.aggregateID, 1), (EventKey.commandIDPath, 1)],
                isUnique: true, partialFilter: [EventKey.commandIDPath: ["$exists": true]])
        }
    }
}
