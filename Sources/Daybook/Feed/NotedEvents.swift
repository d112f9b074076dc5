internal import DaybookBSON
internal import Foundation

/// The events that the tail has shown while a feed still scans the journal: their places, not what they hold.
struct NotedEvents {
    /// How many are kept. Where more come, the feed begins anew from the tail's place; see ``JournalFeed``.
    static let limit = 100_000

    private(set) var events: [FeedEvent] = []
    /// The smallest version of each aggregate that was shown.
    private var first: [AggregateID: Int64] = [:]
    /// Those that no writer of Daybook has put there, so that only their ids tell them apart.
    private var strays: Set<BSONValue> = []

    var isFull: Bool { events.count >= Self.limit }

    mutating func note(_ event: FeedEvent) {
        events.append(event)
        if let head = event.head {
            first[head.id] = min(first[head.id] ?? head.version, head.version)
        } else {
            strays.insert(event.id)
        }
    }

    /// Whether the tail has shown this event, or an earlier one of its aggregate: then the scan leaves it to the tail.
    func covers(_ id: BSONValue, _ head: JournalHead?) -> Bool {
        guard !events.isEmpty else { return false }
        guard let head else { return strays.contains(id) }
        return first[head.id].map { head.version >= $0 } ?? false
    }

    /// Removes all, and returns those for which `isWanted`, in the tail's order.
    mutating func take(where isWanted: (FeedEvent) -> Bool = { _ in true }) -> [FeedEvent] {
        defer { self = NotedEvents() }
        return events.filter(isWanted)
    }
}
