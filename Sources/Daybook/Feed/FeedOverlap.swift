internal import Foundation

/// Events that were read after a feed was opened: the feed shows those that became visible in between too.
///
/// Keep it for as long as you follow the feed, because nothing marks the overlap's end. A router withholds the events
/// of all shards until each has said that it has no earlier one, which a shard without writes says every ten seconds
/// (`periodicNoopIntervalSecs`); until then the feed is idle. And events of several shards are read at several moments,
/// but shown in the order of their time.
package struct FeedOverlap: Sendable {
    private let ids: Set<UUID>
    /// The last version of each aggregate, by the bytes of its id. What is before it was there when the events were
    /// read, and was not asked for.
    private let heads: [[UInt8]: Int64]

    package init(_ entries: [JournalEntry]) {
        ids = Set(entries.compactMap(\.id))
        var heads: [[UInt8]: Int64] = [:]
        for entry in entries {
            if let id = entry.aggregateBytes, let version = entry.version { heads[id] = max(version, heads[id] ?? 0) }
        }
        self.heads = heads
    }

    /// Whether the feed shows an event that was read.
    package func covers(_ entry: JournalEntry) -> Bool {
        if let id = entry.id, ids.contains(id) { return true }
        guard let id = entry.aggregateBytes, let version = entry.version, let head = heads[id] else { return false }
        return version <= head
    }
}

extension JournalEntry {
    fileprivate var aggregateBytes: [UInt8]? { aggregateID.map { Array($0.utf8) } }
}
