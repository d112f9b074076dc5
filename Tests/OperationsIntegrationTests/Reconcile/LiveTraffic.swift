@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Synchronization
import Testing

/// Writers of accounts that are there already, and readers of them, beside what a test does.
final class LiveTraffic: Sendable {
    private struct State {
        var commits: [String: [UUID]] = [:]
        var reads = 0
        var isOver = false
    }

    let store: DaybookStore
    private let state = Mutex(State())

    init(_ store: DaybookStore) {
        self.store = store
    }

    /// How many commits were acknowledged.
    var commits: Int { state.withLock { $0.commits.values.reduce(0) { $0 + $1.count } } }
    var reads: Int { state.withLock { $0.reads } }
    private var isOver: Bool { state.withLock { $0.isOver } }

    /// Runs `body` beside writers and readers, who go on until it ends. A read or a commit that fails, and a read that
    /// is partial, is an issue.
    ///
    /// - Parameter keys: Of accounts and tallies, all of them there.
    func beside<R: Sendable>(
        writers: Int = 4, readers: Int = 2, keys: [String], _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        try await withThrowingTaskGroup(of: R?.self) { group in
            for number in 0..<writers {
                group.addTask {
                    try await self.write(number.isMultiple(of: 2) ? "account" : "tally", keys)
                    return nil
                }
            }
            for _ in 0..<readers {
                group.addTask {
                    try await self.read(Account.self, keys)
                    return nil
                }
                group.addTask {
                    try await self.read(Tally.self, keys)
                    return nil
                }
            }
            group.addTask {
                defer { self.state.withLock { $0.isOver = true } }
                return try await body()
            }
            var result: R?
            while let next = try await group.next() { result = next ?? result }
            await store.poster.drain()
            return try #require(result)
        }
    }

    private func write(_ type: String, _ keys: [String]) async throws {
        while !isOver {
            let key = keys.randomElement() ?? ""
            if type == "account" { try await commit(key, Account.self) } else { try await commit(key, Tally.self) }
        }
    }

    private func commit<A: Ledger>(_ key: String, _ aggregate: A.Type) async throws {
        let several = Int.random(in: 0...3) == 0
        let commit = try #require(
            try await store.repository(A.self).execute(several ? .depositEach([1, 2]) : .deposit(1), on: key))
        state.withLock { $0.commits["\(A.type)/\(key)", default: []].append(commit.id) }
    }

    private func read<A: Ledger>(_ aggregate: A.Type, _ keys: [String]) async throws {
        let repository = store.repository(A.self)
        let everything: BSONDocument = ["version": ["$gt": 0]]
        while !isOver {
            #expect(try await repository.count(matching: everything) == keys.count, "a partial count of \(A.type)")
            var found: [String] = []
            // More than the server gives at once, and slowly, so that its cursor outlives its collection.
            for try await snapshot in repository.query(matching: everything) {
                found.append(snapshot.id.key)
                if found.count.isMultiple(of: 60) {
                    #expect(try await repository.count(matching: everything) == keys.count)
                }
            }
            #expect(found == keys.sorted(), "a partial query of \(A.type)")
            found = []
            var page = try await repository.page(matching: everything, limit: 100)
            found += page.items.map(\.id.key)
            while let next = page.next {
                page = try await repository.page(matching: everything, limit: 100, after: next)
                found += page.items.map(\.id.key)
            }
            #expect(found == keys.sorted(), "pages of \(A.type) left something out")
            let key = keys.randomElement() ?? ""
            let loaded = try await repository.load(key)
            #expect(loaded.version == Int64(loaded.state.entries))
            state.withLock { $0.reads += 1 }
        }
    }

    /// Every commit that was acknowledged is in the journal, whole, and every aggregate's events are contiguous.
    func expectNothingLost(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for (type, hasSnapshots) in [("account", true), ("tally", false)] {
            let audit = try await JournalAudit(store.raw, of: type, hasSnapshots: hasSnapshots)
            #expect(audit.faults.isEmpty, "\(audit.faults)", sourceLocation: sourceLocation)
            for (id, commits) in state.withLock({ $0.commits }) where id.hasPrefix("\(type)/") {
                let lost = commits.filter { audit.commits[.binary(BSONBinary($0))] == nil }
                #expect(lost.isEmpty, "\(id) lost \(lost)", sourceLocation: sourceLocation)
            }
        }
    }
}
