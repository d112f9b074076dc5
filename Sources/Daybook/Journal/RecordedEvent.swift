public import Foundation

/// An event from the history of an aggregate, upcast, with its envelope.
public struct RecordedEvent<A: Aggregate>: Sendable {
    /// What was recorded.
    public enum Body: Sendable {
        /// An event, upcast to the aggregate's current `Event`.
        case event(A.Event)
        /// A correction of the state.
        case correction(Correction)
        /// An event that was retired; see ``Upcaster/retire(_:through:)``.
        case retired(type: String)
    }

    /// The event's id, a UUID of version 7.
    public let id: UUID
    /// The aggregate it happened to.
    public let aggregateID: AggregateID
    /// Its position in the aggregate, from 1.
    public let version: Int64
    /// Its stored type, such as `renewed`.
    public let type: String
    /// The schema of its stored form.
    public let schema: Int32
    /// When it was recorded, to the millisecond; one time for a whole commit.
    public let recordedAt: Date
    /// The commit it belongs to.
    public let commitID: UUID
    /// The recorded cause of the event.
    public let metadata: EventMetadata
    /// What happened.
    public let body: Body
}
