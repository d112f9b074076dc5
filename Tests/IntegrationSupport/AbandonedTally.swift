package import Daybook
package import Foundation

/// A tally of a program that never writes its snapshot: as of a writer that dies right after each of its commits.
package struct AbandonedTally: Ledger {
    package static let type = Tally.type
    package static let lifecycle = Lifecycle.live

    private var account = Account()

    package var balance: Int { account.balance }
    package var entries: Int { account.entries }

    package init() {}

    package mutating func apply(_ event: Account.Event) { account.apply(event) }

    package func decide(_ command: Account.Command, at now: Date) throws(Account.Rejection) -> [Account.Event] {
        try account.decide(command, at: now)
    }
}
