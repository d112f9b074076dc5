public import Daybook
public import Foundation

/// The smallest aggregate that has rules, with a snapshot in each commit: money comes in, and no more goes out than is
/// there.
public struct Account: Aggregate, Equatable {
    public enum Event: Codable, Sendable, Equatable {
        case deposited(amount: Int)
        case withdrawn(amount: Int)
    }

    public enum Command: Codable, Sendable {
        case deposit(Int)
        case withdraw(Int)
        /// Several events in one commit.
        case depositEach([Int])
        /// Everything goes out, if anything is there.
        case empty
        /// Nothing happens.
        case wait
    }

    public enum Rejection: Error, Equatable {
        case insufficient(balance: Int)
    }

    public static let type: AggregateType = "account"
    public static let fields: [Field<Account>] = [
        Field("balance", \.balance, indexed: true), Field("entries", \.entries),
    ]

    public var balance = 0
    public var entries = 0

    public init() {}

    /// The state that a test expects.
    public init(balance: Int, entries: Int) { (self.balance, self.entries) = (balance, entries) }

    public mutating func apply(_ event: Event) {
        entries += 1
        switch event {
        case .deposited(let amount): balance += amount
        case .withdrawn(let amount): balance -= amount
        }
    }

    public func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .deposit(let amount): return [.deposited(amount: amount)]
        case .withdraw(let amount):
            guard amount <= balance else { throw .insufficient(balance: balance) }
            return [.withdrawn(amount: amount)]
        case .depositEach(let amounts): return amounts.map { .deposited(amount: $0) }
        case .empty: return balance > 0 ? [.withdrawn(amount: balance)] : []
        case .wait: return []
        }
    }
}
