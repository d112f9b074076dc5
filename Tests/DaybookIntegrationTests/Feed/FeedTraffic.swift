@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Synchronization

/// Writers beside a feed: four, whose clocks are up to 4 s apart. A third of their commits are transactions on two
/// aggregates that stay open for up to 100 ms. So events become visible in another order than that of their ids.
enum FeedTraffic {
    private static let keys = 40

    private final class End: Sendable {
        let isReached = Mutex(false)
    }

    static func fill(_ store: DaybookStore, events: Int) async throws {
        let accounts = store.repository(Account.self)
        for key in 0..<keys {
            try await accounts.execute(
                .depositEach(Array(repeating: 1, count: max(events / keys, 1))), on: "k-\(key)")
        }
    }

    /// Runs `body` while they write. They have ended when it returns.
    static func write(to store: DaybookStore, while body: () async throws -> Void) async throws {
        let end = End()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask { try await write(to: store, writer, until: end) }
            }
            defer { end.isReached.withLock { $0 = true } }
            try await body()
            end.isReached.withLock { $0 = true }
            try await group.waitForAll()
        }
    }

    private static func write(to store: DaybookStore, _ writer: Int, until end: End) async throws {
        var configuration = store.configuration
        configuration.clock = CommitClock(
            now: { Date().addingTimeInterval(Double(writer) * 4 / 3 - 2) },
            random: { .random(in: .min ... .max) })
        try await withDaybook(configuration) { store in
            let accounts = store.repository(Account.self)
            while !end.isReached.withLock({ $0 }) {
                guard Int.random(in: 0..<3) == 0 else {
                    try await accounts.execute(.deposit(1), on: "k-\(Int.random(in: 0..<keys))")
                    continue
                }
                let changed = Set((0..<2).map { _ in "k-\(Int.random(in: 0..<keys))" })
                try await store.transaction { transaction in
                    for key in changed { try await transaction.execute(.deposit(1), on: key, of: Account.self) }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...100)))
                }
            }
        }
    }

    /// The last version of each aggregate.
    static func heads(_ store: DaybookStore) async throws -> [String: Int64] {
        var heads: [String: Int64] = [:]
        for document in try await store.raw.documents(in: "journal") {
            guard let id = document.string(at: "aggregateId"), let version = document.integer(at: "version") else {
                continue
            }
            heads[id] = max(heads[id] ?? 0, version)
        }
        return heads
    }
}

/// What a reader of the journal was given, by aggregate.
struct ReceivedEvents {
    private(set) var versions: [String: [Int64]] = [:]

    mutating func take(_ head: JournalHead?) {
        guard let head else { return }
        versions[head.id.rawValue, default: []].append(head.version)
    }

    mutating func take(_ batch: JournalFeed.Batch) {
        for event in batch.events { take(event.head) }
    }

    var count: Int { versions.values.reduce(0) { $0 + $1.count } }

    /// How many came more than once.
    var repeated: Int { versions.values.reduce(0) { $0 + $1.count - Set($1).count } }

    /// How many of those up to `heads` did not come.
    func missed(of heads: [String: Int64]) -> Int {
        heads.reduce(0) { $0 + Int($1.value) - Set(versions[$1.key] ?? []).count }
    }

    /// How many aggregates have events out of their order.
    var disordered: Int { versions.values.count { $0 != $0.sorted() } }
}
