public import Foundation

/// What one command appended to one aggregate.
///
/// A commit over several aggregates has one of these for each, all with the same `id`.
public struct Commit: Sendable, Hashable {
    /// The commit's id: the same for every event in it.
    public let id: UUID
    /// The aggregate it was appended to.
    public let aggregateID: AggregateID
    /// The versions that its events have.
    public let versions: ClosedRange<Int64>
    /// When it was recorded, to the millisecond, by the writer's clock.
    public let recordedAt: Date

    /// The aggregate's version after the commit.
    public var version: Int64 { versions.upperBound }
}
