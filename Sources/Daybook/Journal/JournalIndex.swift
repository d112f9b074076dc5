internal import DaybookBSON
internal import DaybookMongo

/// The journal's indexes. There are no others by default.
enum JournalIndex: String, CaseIterable, Sendable {
    /// For optimistic concurrency, reads of one aggregate, scans of one type, and ranges for parallel work.
    case versions = "index of versions"
    /// Ensures that a command takes effect once on an aggregate.
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
