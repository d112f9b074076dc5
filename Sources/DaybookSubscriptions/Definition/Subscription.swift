public import Daybook

/// A named reader of the journal's feed, which keeps how far it has come.
///
/// ```swift
/// let store = try DaybookStore(
///     configuration, aggregates: [License.self, Member.self], subscriptions: [.projection(MemberOverview.self)])
/// ```
public struct Subscription: Sendable {
    /// What a subscription does with events.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// It keeps documents of its own; see ``Projection``.
        public static let projection = Kind(rawValue: "projection")
        /// It calls a function; see ``EventHandler``.
        public static let handler = Kind(rawValue: "handler")

        /// The name, as it is stored.
        public let rawValue: String
        /// The name, as it is stored.
        public var description: String { rawValue }

        /// A kind by its stored name.
        public init(rawValue: String) { self.rawValue = rawValue }
    }

    /// What a subscription promises of each event.
    public enum Delivery: String, Sendable, CustomStringConvertible {
        /// Each event takes effect exactly once, in the order of its versions along an aggregate: the effect and the
        /// aggregate's posting are written in one transaction.
        case posted
        /// Each event is handled at least once: only the position is stored, after the events were handled.
        case positioned

        /// The name, as it is stored.
        public var description: String { rawValue }
    }

    /// Its name.
    public let name: SubscriptionName
    /// What it does with events.
    public let kind: Kind
    /// The types of aggregates whose events it handles.
    public let types: [AggregateType]
    /// Raised when what it makes of the same events changes.
    public let version: Int32
    let handler: Handler
    /// How its work in this process stands.
    var monitor: DeliveryMonitor

    /// What it promises of each event.
    public var delivery: Delivery {
        switch handler {
        case .posted: .posted
        case .positioned: .positioned
        }
    }

    /// What handles its events.
    enum Handler: Sendable {
        case posted(any PostedHandler)
        case positioned(any EventHandler)
    }

    package init(
        posted name: SubscriptionName, _ kind: Kind, of types: [AggregateType], version: Int32 = 1,
        by handler: any PostedHandler
    ) {
        self.init(name, kind, types, version, .posted(handler))
    }

    private init(
        _ name: SubscriptionName, _ kind: Kind, _ types: [AggregateType], _ version: Int32, _ handler: Handler
    ) {
        self.name = name
        self.kind = kind
        self.types = types
        self.version = version
        self.handler = handler
        monitor = DeliveryMonitor(name)
    }

    /// A subscription that keeps the documents of a projection.
    public static func projection<P: Projection>(_ projection: P.Type) -> Subscription {
        var types: [AggregateType] = []
        for source in P.sources where !types.contains(source.type) { types.append(source.type) }
        return Subscription(
            posted: P.name, .projection, of: types, version: P.version, by: ProjectionHandler<P>())
    }

    /// A subscription that calls `handler` for each event, at least once.
    public static func handler(_ handler: some EventHandler) -> Subscription {
        Subscription(handler.name, .handler, handler.aggregates.map { $0.type }, 1, .positioned(handler))
    }
}
