public import Daybook
public import Foundation

/// How a subscription stands, over all processes.
public struct SubscriptionStatus: Sendable {
    /// Its name.
    public let name: String
    /// What it does with events.
    public let kind: String
    /// What it promises of each event; see ``Subscription/Delivery``.
    public let delivery: String
    /// The types of aggregates whose events it handles.
    public let types: [AggregateType]
    /// The version whose results are in use.
    public let version: Int32
    /// `live`, `swapping` or `rebuilding`.
    public let state: String
    /// How many aggregates have events that were not handled, besides the parked ones.
    public internal(set) var behind = 0
    /// How many seconds ago the oldest event was recorded that was not handled; 0 when all were. It is the oldest
    /// of the first 100 aggregates, by id, that have such events.
    public internal(set) var lagSeconds: Double = 0
    /// How many aggregates wait, because an event could not be handled.
    public internal(set) var parked = 0
    /// Who paused it, why and when; nil while it is not paused.
    public let pause: (by: String, why: String, at: Date?)?
    /// The processes that share the work now.
    public let holders: [String]
    /// What operators have changed, the newest last; 100 at most.
    public let changes: [Change]

    /// Whether an operator has paused it.
    public var isPaused: Bool { pause != nil }

    /// What an operator has changed, and why.
    public struct Change: Sendable, Hashable {
        /// What was done.
        public let what: String
        /// Who did it, and why.
        public let by: String, why: String
        /// When it was done.
        public let at: Date?
        /// The aggregate that it is about; nil for the whole subscription.
        public let aggregateID: String?
    }

    init(_ record: SubscriptionRecord) {
        name = record.name
        kind = record.kind
        delivery = record.delivery
        types = record.types
        version = record.version
        state = record.state.rawValue
        pause = record.pause.map { ($0.by, $0.why, $0.at) }
        holders = record.members
        changes = record.changes.map {
            Change(what: $0.what, by: $0.by, why: $0.why, at: $0.at, aggregateID: $0.aggregateID)
        }
    }
}
