package import Daybook
package import DaybookSubscriptions
internal import Foundation
internal import SampleAggregates
internal import Synchronization

/// What came of each account, and how much came into all accounts of a group: a document for each account, and one for
/// each of ten groups.
package enum Arrivals: Projection {
    package static let name: SubscriptionName = "arrivals"
    package static var sources: [EventSource<Arrivals>] { [.arrivals(weight: 1)] }

    package struct Document: Queryable, Equatable {
        /// How many events came, and the version of an account's last one.
        package var count = 0
        package var last: Int64 = 0
        /// Whether each version came right after the one before.
        package var isOrdered = true
        package var sum = 0

        package init() {}

        package static var fields: [Field<Document>] { [Field("count", \.count, indexed: true)] }
    }

    /// The document of the group that an account belongs to.
    package static func group(of key: String) -> String { "group-\(key.utf8.reduce(0) { $0 + Int($1) } % 10)" }

    /// An event with this amount cannot be handled while ``isPoisoned``.
    package static let poison = 666

    private static let state = Mutex((isPoisoned: false, delay: 0 as UInt32))

    package static var isPoisoned: Bool {
        get { state.withLock { $0.isPoisoned } }
        set { state.withLock { $0.isPoisoned = newValue } }
    }

    /// How long each change takes, in microseconds.
    package static var delay: UInt32 {
        get { state.withLock { $0.delay } }
        set { state.withLock { $0.delay = newValue } }
    }

    package struct Poisoned: Error {}
}

/// The same projection in another program, which counts each amount twice.
package enum DoubledArrivals: Projection {
    package typealias Document = Arrivals.Document

    package static let name = Arrivals.name
    package static let version: Int32 = 2
    package static var sources: [EventSource<DoubledArrivals>] { [.arrivals(weight: 2)] }
}

extension EventSource where P.Document == Arrivals.Document {
    package static func arrivals(weight: Int) -> EventSource {
        .events(of: Account.self, keys: { [$0.aggregateID.key, Arrivals.group(of: $0.aggregateID.key)] }) {
            event, key, document in
            let delay = Arrivals.delay
            if delay > 0 { usleep(delay) }
            guard case .deposited(let amount)? = event.event else { return }
            if amount == Arrivals.poison, Arrivals.isPoisoned { throw Arrivals.Poisoned() }
            document.count += 1
            document.sum += weight * amount
            // Accounts of a group come in any order.
            guard key == event.aggregateID.key else { return }
            document.isOrdered = document.isOrdered && event.version == document.last + 1
            document.last = event.version
        }
    }
}

extension Arrivals.Document {
    /// What must be there once the events with these amounts, in order, of each account have come.
    package static func expected(of amounts: [String: [Int]], weight: Int = 1) -> [String: Self] {
        var documents: [String: Self] = [:]
        for (key, amounts) in amounts {
            var document = Self()
            document.count = amounts.count
            document.last = Int64(amounts.count)
            document.sum = weight * amounts.reduce(0, +)
            documents[key] = document
            documents[Arrivals.group(of: key), default: Self()].count += amounts.count
            documents[Arrivals.group(of: key), default: Self()].sum += document.sum
        }
        return documents
    }
}
