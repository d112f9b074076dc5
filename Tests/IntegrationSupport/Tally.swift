public import Daybook
public import Foundation

/// What the accounts of every lifecycle have in common.
public protocol Ledger: Aggregate, Equatable
where Event == Account.Event, Command == Account.Command, Rejection == Account.Rejection {
    var balance: Int { get }
    var entries: Int { get }
}

extension Account: Ledger {}

/// An account whose snapshot is written behind its commits.
public struct Tally: Ledger {
    public static let type: AggregateType = "tally"
    public static let lifecycle = Lifecycle.async
    public static let fields: [Field<Tally>] = [Field("balance", \.balance, indexed: true)]

    private var account = Account()

    public var balance: Int { account.balance }
    public var entries: Int { account.entries }

    public init() {}

    public init(balance: Int, entries: Int) {
        account = Account(balance: balance, entries: entries)
    }

    public init(from decoder: any Decoder) throws { account = try Account(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try account.encode(to: encoder) }

    public mutating func apply(_ event: Account.Event) { account.apply(event) }

    public func decide(_ command: Account.Command, at now: Date) throws(Account.Rejection) -> [Account.Event] {
        try account.decide(command, at: now)
    }
}

/// An account of which no snapshot is kept.
public struct Meter: Ledger {
    public static let type: AggregateType = "meter"
    public static let lifecycle = Lifecycle.live

    private var account = Account()

    public var balance: Int { account.balance }
    public var entries: Int { account.entries }

    public init() {}

    public mutating func apply(_ event: Account.Event) { account.apply(event) }

    public func decide(_ command: Account.Command, at now: Date) throws(Account.Rejection) -> [Account.Event] {
        try account.decide(command, at: now)
    }
}
