public import Daybook
public import Foundation

/// A test of an aggregate in its own words: given these events, when this command, then those events, or a refusal.
///
/// ```swift
/// try Scenario(License.self)
///     .given(.created(member: "m-1", expiresAt: d), .downloaded)
///     .when(.renew, at: d)
///     .then(.renewed(expiresAt: d + 30 * 86_400))
///
/// try Scenario(License.self).given(.created(member: "m-1", expiresAt: d), .released).when(.renew).thenRejected(.final)
/// ```
///
/// Nothing is simulated: events are encoded, and the state is folded from their stored bytes, as a repository does it. Events
/// and states are compared by what is stored of them, so they need not be `Equatable`, and a date differs from another only if it does so in its
/// milliseconds.
///
/// On its way a scenario checks what every aggregate owes: each event and each state survives being stored (a state that is kept nowhere,
/// `Lifecycle.live`, need not), and `decide` gives the same events when it is asked again, be the state folded from the journal or
/// loaded from its snapshot, and each field that it declares has the name that its value is encoded under. For more of this see ``checkDeterminism(of:events:fileID:line:)``.
///
/// What is not as expected is thrown as a ``TestFailure``, whose description says what differs.
public struct Scenario<A: Aggregate>: Sendable {
    private var aggregate = TestedAggregate<A>()

    /// An aggregate that has no events.
    public init(_ aggregate: A.Type) {}

    /// Events that have happened, after those that are given already.
    ///
    /// - Throws: ``TestFailure/Code/notStorable``, ``TestFailure/Code/notDeterministic``
    public func given(_ events: A.Event..., fileID: String = #fileID, line: Int = #line) throws -> Scenario {
        try given(events, fileID: fileID, line: line)
    }

    /// Events that have happened, after those that are given already.
    ///
    /// - Throws: ``TestFailure/Code/notStorable``, ``TestFailure/Code/notDeterministic``
    public func given(_ events: [A.Event], fileID: String = #fileID, line: Int = #line) throws -> Scenario {
        var next = self
        try next.aggregate.fold(events, SourcePlace(fileID: fileID, line: line))
        return next
    }

    /// Lets the aggregate decide `command`.
    ///
    /// - Parameter now: The time that `decide` is given; ``SimulatedClock/start`` unless set.
    /// - Throws: ``TestFailure/Code/notStorable``, ``TestFailure/Code/notDeterministic``
    public func when(
        _ command: A.Command, at now: Date = SimulatedClock.start, fileID: String = #fileID, line: Int = #line
    ) throws -> Outcome {
        try Outcome(of: command, at: now, on: aggregate, SourcePlace(fileID: fileID, line: line))
    }

    /// Checks the state that the given events lead to, by what is stored of it.
    ///
    /// - Throws: ``TestFailure/Code/wrongState`` with the paths that differ.
    @discardableResult
    public func then(state expected: A, fileID: String = #fileID, line: Int = #line) throws -> Scenario {
        try aggregate.compare(with: expected, SourcePlace(fileID: fileID, line: line))
        return self
    }

    /// Checks the state that the given events lead to, with expectations of your own.
    @discardableResult
    public func thenState(_ check: (A) throws -> Void) rethrows -> Scenario {
        try check(aggregate.state)
        return self
    }
}
