public import Foundation

/// An event of the history of an aggregate, with what is known of it.
public struct RecordedEvent<A: Aggregate>: Sendable {
    /// What was recorded.
    public enum Body: Sendable {
        /// Something that happened, upcast to what the aggregate's `Event` says now.
        case event(A.Event)
        /// The state was put right by hand.
        case correction(Correction)
        /// Something that no longer means anything; see ``Upcaster/retire(_:through:)``.
        case retired(type: String)
    }

    /// The event's id, a UUID of version 7.
    public let id: UUID
    /// The aggregate it happened to.
    public let aggregateID: AggregateID
    /// Its position, from 1.
    public let version: Int64
    /// Its stored type, as in `renewed`.
    public let type: String
    /// The version of its stored form.
    public let schema: Int32
    /// When it was recorded, to the millisecond; one time for a whole commit.
    public let recordedAt: Date
    /// The commit it belongs to.
    public let commitID: UUID
    /// Who or what caused it.
    public let metadata: EventMetadata
    /// What happened.
    public let body: Body
}
