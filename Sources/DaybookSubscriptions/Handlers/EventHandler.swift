public import Daybook

/// Handles events outside of MongoDB: each at least once, in the order of their versions along an aggregate.
///
/// An event comes again after a crash, so what it does must be safe to repeat: pass `StoredEvent.id` on as
/// the key by which the other side knows what it has seen.
public protocol EventHandler: Sendable {
    /// The subscription's name.
    var name: SubscriptionName { get }
    /// The aggregates whose events it handles.
    var aggregates: [any Aggregate.Type] { get }

    /// Handles events in the order in which they are given.
    ///
    /// If it throws, all of them come again: after growing pauses, then those of each aggregate alone. An aggregate
    /// whose event fails again and again is parked: its later events wait, and other aggregates go on.
    func handle(_ events: [StoredEvent]) async throws
}
