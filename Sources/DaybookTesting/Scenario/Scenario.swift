public import Daybook
public import Foundation

/// A test of an aggregate in its own terms: given these events, when this command, then those events, or a rejection.
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
/// Nothing is simulated: events are encoded, and the state is folded from their stored bytes, as in a repository.
/// Events and states are compared by their stored form. So they need not be `Equatable`, and two dates differ only if
/// their milliseconds do.
///
/// A scenario also checks what every aggregate must guarantee. Each event and each state survives being stored; a state
/// with `Lifecycle.live`, which is never stored, need not. `decide` returns the same events when it is called again,
/// whether the state was folded from the journal or loaded from its snapshot. And each declared field has the name that
/// its value is encoded under. For more checks see ``checkDeterminism(of:events:fileID:line:)``.
///
/// A result that is not as expected is thrown as a ``TestFailure``, whose description shows what differs.
public struct Scenario<A: Aggregate>: Sendable {
    private var aggregate = TestedAggregate<A>()

    /// An aggregate that has no events.
    public init(_ aggregate: A.Type) {}

    /// Adds events that have happened, after those given before.
    ///
    /// - Throws: ``TestFailure/Code/notStorable``, ``TestFailure/Code/notDeterministic``
    public func given(_ events: A.Event..., fileID: String = #fileID, line: Int = #line) throws -> Scenario {
        try given(events, fileID: fileID, line: line)
    }

    /// Adds events that have happened, after those given before.
    ///
    /// - Throws: ``TestFailure/Code/notStorable``, ``TestFailure/Code/notDeterministic``
    public func given(_ events: [A.Event], fileID: String = #fileID, line: Int = #line) throws -> Scenario {
        var next = self
        try next.aggregate.fold(events, SourcePlace(fileID: fileID, line: line))
        return next
    }

    /// Decides `command` on the aggregate.
    ///
    /// - Parameter now: The time for `decide`; ``SimulatedClock/start`` unless given.
    /// - Throws: ``TestFailure/Code/notStorable``, ``TestFailure/Code/notDeterministic``
    public func when(
        _ command: A.Command, at now: Date = SimulatedClock.start, fileID: String = #fileID, line: Int = #line
    ) throws -> Outcome {
        try Outcome(of: command, at: now, on: aggregate, SourcePlace(fileID: fileID, line: line))
    }

    /// Checks the state after the given events, by its stored form.
    ///
    /// - Throws: ``TestFailure/Code/wrongState`` with the paths that differ.
    @discardableResult
    public func then(state expected: A, fileID: String = #fileID, line: Int = #line) throws -> Scenario {
        try aggregate.compare(with: expected, SourcePlace(fileID: fileID, line: line))
        return self
    }

    /// Checks the state after the given events with your own expectations.
    @discardableResult
    public func thenState(_ check: (A) throws -> Void) rethrows -> Scenario {
        try check(aggregate.state)
        return self
    }
}
