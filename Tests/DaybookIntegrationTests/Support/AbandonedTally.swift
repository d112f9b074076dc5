import Daybook
import Foundation
import IntegrationSupport

/// A tally of a program that never writes its snapshot: as of a writer that dies right after each of its commits.
struct AbandonedTally: Ledger {
    static let type = Tally.type
    static let lifecycle = Lifecycle.live

    private var account = Account()

    var balance: Int { account.balance }
    var entries: Int { account.entries }

    init() {}

    mutating func apply(_ event: Account.Event) { account.apply(event) }

    func decide(_ command: Account.Command, at now: Date) throws(Account.Rejection) -> [Account.Event] {
        try account.decide(command, at: now)
    }
}
