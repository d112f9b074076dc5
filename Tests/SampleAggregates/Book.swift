public import Daybook
public import Foundation

/// What sets one ``Book`` apart from another.
public protocol BookKind: Sendable {
    static var type: AggregateType { get }
    static var lifecycle: Lifecycle { get }
    /// Whether a book without money in it has a snapshot: it has unless declared.
    static var keepsEmpty: Bool { get }
}

extension BookKind {
    public static var keepsEmpty: Bool { true }
}

/// An account of a type and a lifecycle that a test chooses: for several kinds of aggregate side by side.
public struct Book<Kind: BookKind>: Ledger {
    public static var type: AggregateType { Kind.type }
    public static var lifecycle: Lifecycle { Kind.lifecycle }
    public static var keepsSnapshot: (@Sendable (Book) -> Bool)? {
        Kind.keepsEmpty ? nil : { @Sendable in $0.balance != 0 }
    }
    public static var fields: [Field<Book>] { [Field("balance", \.balance, indexed: true)] }

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
