internal import Daybook
internal import DaybookBSON

/// Checks events in the order in which they arrive, and finds the first that is out of order. Each aggregate's events
/// must be together, in version order, without a gap, and with no command id twice.
struct EventOrder: Sendable {
    private var current: (id: AggregateID, version: Int64)?
    /// The commands of the current aggregate.
    private var commands: [BSONValue: Int64] = [:]
    /// The hashes of the aggregates before the current one: eight bytes for each, however long its id is.
    private var ended: Set<Int> = []
    private let remembersAggregates: Bool

    /// How many aggregates have begun.
    private(set) var aggregates = 0

    /// - Parameter remembersAggregates: False where each aggregate's events are known to come together, as from a
    ///   sorted cursor. Memory use is then constant.
    init(remembersAggregates: Bool = true) {
        self.remembersAggregates = remembersAggregates
    }

    /// Checks the next event.
    ///
    /// - Returns: Whether it is the first of its aggregate.
    /// - Throws: ``DaybookError/Code/invalidImport``
    mutating func accept(_ event: StoredEvent) throws(DaybookError) -> Bool {
        if let current, current.id == event.aggregateID {
            guard event.version > current.version else {
                throw Self.error(
                    event, "it comes after version \(current.version): an aggregate's versions come once each, in order"
                )
            }
            guard event.version == current.version + 1 else {
                let missing =
                    event.version == current.version + 2
                    ? "version \(current.version + 1) is"
                    : "versions \(current.version + 1) to \(event.version - 1) are"
                throw Self.error(event, "there is a gap: \(missing) missing before it")
            }
            try note(event)
            self.current = (event.aggregateID, event.version)
            return false
        }
        if let current, remembersAggregates { ended.insert(current.id.hashValue) }
        guard !ended.contains(event.aggregateID.hashValue) else {
            throw Self.error(
                event,
                "other aggregates' events stand between its own: an aggregate's events come together. Sort the lines")
        }
        aggregates += 1
        commands = [:]
        current = (event.aggregateID, event.version)
        try note(event)
        return true
    }

    private mutating func note(_ event: StoredEvent) throws(DaybookError) {
        guard let id = event.metadata.commandID else { return }
        if let other = commands.updateValue(event.version, forKey: .string(id)) {
            throw Self.error(event, "its command id is that of version \(other) too: a command takes effect once")
        }
    }

    private static func error(_ event: StoredEvent, _ reason: String) -> DaybookError {
        DaybookError(.invalidImport, reason, aggregateID: event.aggregateID.rawValue, version: event.version)
    }
}
