internal import Daybook

/// A posting that does not have the version of its aggregate's last event.
public struct PostingFinding: Sendable, Hashable {
    /// What is wrong.
    public enum Kind: String, Sendable, CaseIterable, CustomStringConvertible {
        /// Events of the aggregate were not handled.
        case behind
        /// The posting has a version that the aggregate does not have.
        case ahead
        /// The journal has no such aggregate, or the subscription is not about it.
        case orphan

        /// The name.
        public var description: String { rawValue }
    }

    /// What is wrong.
    public let kind: Kind
    /// The aggregate, as `type/key`.
    public let aggregateID: String
    /// The last event that counts as handled.
    public let posted: Int64
    /// The aggregate's last event.
    public let head: Int64
    /// Whether the aggregate waits, because an event could not be handled.
    public let isParked: Bool

    var id: AggregateID? { try? AggregateID(parsing: aggregateID) }

    /// Nil when the posting is as it should be.
    init?(_ aggregateID: String, _ posting: Posting?, head: Int64) {
        let posted = posting?.version ?? 0
        if head == 0 {
            kind = .orphan
        } else if posted < head {
            kind = .behind
        } else if posted > head {
            kind = .ahead
        } else {
            return nil
        }
        self.aggregateID = aggregateID
        self.posted = posted
        self.head = head
        isParked = posting?.parked != nil
    }

    init(orphan aggregateID: String, version: Int64) {
        kind = .orphan
        self.aggregateID = aggregateID
        posted = version
        head = 0
        isParked = false
    }
}
