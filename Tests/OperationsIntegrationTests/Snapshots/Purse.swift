import Daybook
import Foundation
import IntegrationSupport

/// An account that has a snapshot only while there is money in it.
struct Purse: Ledger {
    static let type: AggregateType = "purse"
    static let keepsSnapshot: (@Sendable (Purse) -> Bool)? = { $0.balance != 0 }
    static let fields: [Field<Purse>] = [Field("balance", \.balance, indexed: true)]

    private(set) var balance = 0
    private(set) var entries = 0

    init() {}

    mutating func apply(_ event: Account.Event) {
        entries += 1
        switch event {
        case .deposited(let amount): balance += amount
        case .withdrawn(let amount): balance -= amount
        }
    }

    func decide(_ command: Account.Command, at now: Date) throws(Account.Rejection) -> [Account.Event] {
        try Account(balance: balance, entries: entries).decide(command, at: now)
    }
}

/// The same, its snapshot written after its commits.
struct Till: Ledger {
    static let type: AggregateType = "till"
    static let lifecycle = Lifecycle.async
    static let keepsSnapshot: (@Sendable (Till) -> Bool)? = { $0.balance != 0 }
    static let fields: [Field<Till>] = [Field("balance", \.balance, indexed: true)]

    private var purse = Purse()

    var balance: Int { purse.balance }
    var entries: Int { purse.entries }

    init() {}

    init(from decoder: any Decoder) throws { purse = try Purse(from: decoder) }
    func encode(to encoder: any Encoder) throws { try purse.encode(to: encoder) }

    mutating func apply(_ event: Account.Event) { purse.apply(event) }

    func decide(_ command: Account.Command, at now: Date) throws(Account.Rejection) -> [Account.Event] {
        try purse.decide(command, at: now)
    }
}
