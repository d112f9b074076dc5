public import Daybook

/// Documents that are made of events of several aggregates, in a collection of their own, `views.<name>`: `{ _id: key,
/// state, events }`, where `events` counts the events that the state includes.
///
/// ```swift
/// enum MemberOverview: Projection {
///     static let name: SubscriptionName = "member-overview"
///     struct Document: Queryable {
///         var openCount = 0
///         static var fields: [Field<Document>] { [Field("openCount", \.openCount, indexed: true)] }
///     }
///     static var sources: [EventSource<Self>] {
///         [
///             .events(of: License.self, key: { $0.event?.member }) { event, document in
///                 if case .acquired = event.event { document.openCount += 1 }
///             }
///         ]
///     }
/// }
/// ```
///
/// Each event takes effect exactly once, in the order of its versions along its aggregate. Events of different
/// aggregates come in any order, so a document must not depend on how they interleave: `checkInterleavings` of
/// DaybookTesting checks that. The functions do nothing but compute.
public protocol Projection: Sendable {
    /// The state of one document. Its initial value is that before the first event.
    associatedtype Document: Queryable

    /// The name of the subscription and of the view.
    static var name: SubscriptionName { get }

    /// Raise it when the same events make other documents: they are then made again beside those in use, and take their
    /// place when they are complete. 1 unless declared.
    static var version: Int32 { get }

    /// Which events make the documents, and how.
    static var sources: [EventSource<Self>] { get }
}

extension Projection {
    /// 1, the first version.
    public static var version: Int32 { 1 }
}
