public import Foundation

/// A consistency boundary: a state that only its own events change, and the rules by which it accepts commands.
///
/// The conforming type is the state. It is encoded with its own `Codable` conformance into the snapshot's `state`, which people query.
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
/// `apply` and `decide` must be pure: their result depends on their arguments alone, so that a replay years later gives the same state.
/// Dates in the state are whole milliseconds after each event, also those that `apply` computes: what it is given next is what is stored.
public protocol Aggregate: Codable, Sendable {
    /// An enum with one case for each type of event. The case's name (or its coding key) is the stored `type`, its payload the stored `data`.
    associatedtype Event: Codable & Sendable
    associatedtype Command: Sendable
    /// Why a command is refused: a fact for the caller, not a fault.
    associatedtype Rejection: Error

    static var type: AggregateType { get }

    /// The version of what `state` looks like and what `apply` does. Raise it with every change after which stored snapshots are no longer
    /// what a replay would give; they are then folded anew. 1 unless declared.
    static var stateSchema: Int32 { get }

    /// How the snapshot is kept: ``Lifecycle/inline`` unless declared.
    static var lifecycle: Lifecycle { get }

    /// Whether a snapshot of a state is kept; nil, as unless declared, where a snapshot of every state is.
    ///
    /// An aggregate whose state needs none is not found by queries any more, and a rebuild does not bring it back. Its events stay: it is loaded,
    /// it has a history, and it takes commands, by which its snapshot may come back. Like `apply`, the answer depends on the state alone;
    /// a change of the rule is a change of ``stateSchema``. Without effect where the lifecycle is ``Lifecycle/live``.
    ///
    /// ```swift
    /// static let keepsSnapshot: (@Sendable (License) -> Bool)? = { $0.status != .ended }
    /// ```
    static var keepsSnapshot: (@Sendable (Self) -> Bool)? { get }

    /// How the stored forms of old events are read. None unless declared.
    static var upcasters: [Upcaster] { get }

    /// How corrections of states with an older `stateSchema` are read. None unless declared.
    static var correctionUpcasters: [CorrectionUpcaster] { get }

    /// What can be queried by key path. None unless declared.
    static var fields: [Field<Self>] { get }

    /// The collection of this aggregate's snapshots: `snapshots.<type>` unless declared.
    static var snapshotCollection: String { get }

    /// The state before the first event.
    init()

    /// The state after `event`. Total: an event is a fact, and nothing in it can be refused.
    mutating func apply(_ event: Event)

    /// What happens when `command` meets this state at `now`: events in order, none, or a refusal.
    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event]
}

extension Aggregate {
    public static var stateSchema: Int32 { 1 }
    public static var lifecycle: Lifecycle { .inline }
    public static var keepsSnapshot: (@Sendable (Self) -> Bool)? { nil }
    public static var upcasters: [Upcaster] { [] }
    public static var correctionUpcasters: [CorrectionUpcaster] { [] }
    public static var fields: [Field<Self>] { [] }
    public static var snapshotCollection: String { CollectionName.snapshots(of: type.rawValue) }
}
