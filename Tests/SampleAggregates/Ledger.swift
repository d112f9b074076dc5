public import Daybook

/// What ``Account`` and every ``Book`` have in common, for a test that runs with each lifecycle.
public protocol Ledger: Aggregate, Equatable
where Event == Account.Event, Command == Account.Command, Rejection == Account.Rejection {
    var balance: Int { get }
    var entries: Int { get }
}

extension Account: Ledger {}
