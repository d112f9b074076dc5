public import Foundation

/// A consistency boundary: a state that only its own events change, and the rules by which it accepts commands.
///
/// The conforming type is the state. It is encoded with its own `Codable` conformance into the snapshot's `state`,
/// which people query.
///
/// ```swift
/// struct Counter: Aggregate {
///     enum Event: Codable, Sendable { case added(amount: Int) }
///     enum Command: Sendable { case add(Int) }
///     enum Rejection: Error { case notPositive }
///
///     static let type: AggregateType = "counter"
///     var total = 0
///     init() {}
///
///     mutating func apply(_ event: Event) {
///         switch event { case .added(let amount): total += amount }
///     }
///
///     func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
///         switch command {
///         case .add(let amount):
///             guard amount > 0 else { throw .notPositive }
///             return [.added(amount: amount)]
///         }
///     }
/// }
/// ```
///
/// `apply` and `decide` must be pure: their result depends on their arguments alone, so that a replay years later
/// produces the same state.
///
/// BSON stores dates in whole milliseconds. So after each event the dates in the state are whole milliseconds, also
/// those that `apply` computes: the next event is applied to the state as it would be loaded.
public protocol Aggregate: Queryable {
    /// An enum with one case for each type of event. The case's name (or its coding key) is stored as the event's
    /// `type`, its payload as the event's `data`.
    associatedtype Event: Codable & Sendable
    associatedtype Command: Sendable
    /// Why a command is refused: a fact for the caller, not a fault.
    associatedtype Rejection: Error

    static var type: AggregateType { get }

    /// The version of the state's form and of `apply`. Raise it with every change after which a replay no longer
    /// produces what the stored snapshots have; those snapshots are then folded again. 1 unless declared.
    static var stateSchema: Int32 { get }

    /// How the snapshot is kept: ``Lifecycle/inline`` unless declared.
    static var lifecycle: Lifecycle { get }

    /// Returns whether a snapshot of a state is kept. Nil, the default, keeps a snapshot of every state.
    ///
    /// An aggregate whose snapshot is not kept is not found by queries, and a rebuild does not bring it back. Its
    /// events stay: it can be loaded, it has a history, and it takes commands, after which its snapshot may be kept
    /// again. Like `apply`, the rule depends on the state alone. A change of the rule needs a higher ``stateSchema``.
    /// The lifecycle ``Lifecycle/live`` ignores the rule.
    ///
    /// ```swift
    /// static let keepsSnapshot: (@Sendable (License) -> Bool)? = { $0.status != .ended }
    /// ```
    static var keepsSnapshot: (@Sendable (Self) -> Bool)? { get }

    /// The upcasters that turn the stored forms of old events into current ones. None unless declared.
    static var upcasters: [Upcaster] { get }

    /// The upcasters for corrections of states with an older `stateSchema`. None unless declared.
    static var correctionUpcasters: [CorrectionUpcaster] { get }

    /// The collection of this aggregate's snapshots: `snapshots.<type>` unless declared.
    static var snapshotCollection: String { get }

    /// The state after `event`. It cannot fail, because an event is a fact that has already happened.
    mutating func apply(_ event: Event)

    /// What happens when `command` meets this state at `now`: events in order, no events, or a rejection.
    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event]
}

extension Aggregate {
    /// The first schema.
    public static var stateSchema: Int32 { 1 }
    /// Snapshots are written in the commit.
    public static var lifecycle: Lifecycle { .inline }
    /// A snapshot of every state is kept.
    public static var keepsSnapshot: (@Sendable (Self) -> Bool)? { nil }
    /// No stored event has another form.
    public static var upcasters: [Upcaster] { [] }
    /// No correction is of an earlier schema.
    public static var correctionUpcasters: [CorrectionUpcaster] { [] }
    /// `snapshots.` and the type.
    public static var snapshotCollection: String { CollectionName.snapshots(of: type.rawValue) }
}
