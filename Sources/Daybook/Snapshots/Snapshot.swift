public import Foundation

/// The state of one aggregate at one version.
public struct Snapshot<A: Aggregate>: Sendable {
    /// The aggregate.
    public let id: AggregateID
    /// The last event that `state` includes; 0 for an aggregate that has no events.
    public let version: Int64
    /// The state after that event.
    public let state: A
    /// When the first event was recorded; nil at version 0.
    public let createdAt: Date?
    /// When the last event was recorded; nil at version 0.
    public let updatedAt: Date?

    /// Whether the aggregate has any events.
    public var exists: Bool { version > 0 }
}

extension Snapshot: Equatable where A: Equatable {}
