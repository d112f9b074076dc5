import ArgumentParser
import Daybook
import DaybookAdmin
import DaybookSubscriptions
import Foundation
import SampleAggregates

/// The admin commands of an application with subscriptions, for the integration tests to run as a process.
@main
struct Teller: AsyncParsableCommand {
    enum Application: AdminApplication {
        static let name = "teller"
        static let aggregates: [any Aggregate.Type] = [Account.self]
        static let subscriptions: [Subscription] = [.projection(Balances.self), .handler(Notices())]
    }

    static let configuration = CommandConfiguration(
        commandName: Application.name, groupedSubcommands: Application.adminCommands)

    static func main() async { await runProcess(of: Application.self) }
}

/// Each account's balance. It cannot handle a deposit of 13, unless `TELLER_TAKES_13` is set.
enum Balances: Projection {
    struct Document: Queryable {
        var balance = 0
        var entries = 0

        static var fields: [Field<Document>] { [Field("balance", \.balance, indexed: true)] }
    }

    struct Unlucky: Error {}

    static let name: SubscriptionName = "balances"
    static var sources: [EventSource<Balances>] {
        [
            .events(of: Account.self, key: { $0.aggregateID.key }) { event, document in
                switch event.event {
                case .deposited(let amount)?:
                    let isTaken = ProcessInfo.processInfo.environment["TELLER_TAKES_13"] != nil
                    guard amount != 13 || isTaken else { throw Unlucky() }
                    document.balance += amount
                case .withdrawn(let amount)?: document.balance -= amount
                case nil: return
                }
                document.entries += 1
            }
        ]
    }
}

/// Hears of each event, and does nothing.
struct Notices: EventHandler {
    let name: SubscriptionName = "notices"
    let aggregates: [any Aggregate.Type] = [Account.self]

    func handle(_ events: [StoredEvent]) async throws {}
}
