internal import DaybookBSON

/// Which events a ``JournalFeed`` delivers.
package struct FeedSelection: Sendable {
    /// Those of aggregates of these types; of all types when empty. The server leaves the others out of a scan.
    package var types: [AggregateType]
    /// Whether a reader wants the events of an aggregate; nil for every aggregate of ``types``.
    package var isWanted: (@Sendable (AggregateID) -> Bool)?

    package init(types: [AggregateType] = [], isWanted: (@Sendable (AggregateID) -> Bool)? = nil) {
        self.types = types
        self.isWanted = isWanted
    }

    /// - Parameter head: Nil for what no writer of Daybook has put there. Only a feed of everything delivers that.
    func wants(_ head: JournalHead?) -> Bool {
        guard let head else { return types.isEmpty && isWanted == nil }
        guard types.isEmpty || types.contains(head.id.type) else { return false }
        return isWanted?(head.id) ?? true
    }

    /// The condition of a scan.
    var condition: BSONDocument { Journal.condition(on: EventKey.aggregateID, ofTypes: types) }
}
