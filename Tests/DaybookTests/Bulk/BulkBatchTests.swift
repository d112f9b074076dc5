import Daybook
import Foundation
import SampleAggregates
import Testing

@Suite struct BulkBatchTests {
    private let now = Date(timeIntervalSince1970: 1_750_000_000)
    private let batch = BulkBatch(
        clock: CommitClock(now: { Date(timeIntervalSince1970: 1_750_000_000) }, random: { 7 }))

    private func account(_ key: String) async throws -> Snapshot<Account> {
        try await batch.transaction { try await $0.load(key, of: Account.self) }
    }

    @Test("a transaction is one commit on several aggregates, and the next one continues from it")
    func commits() async throws {
        for amount in 1...3 {
            try await batch.transaction { tx in
                try await tx.execute(.deposit(amount), on: "a", of: Account.self, at: now)
                try await tx.execute(.deposit(10 * amount), on: "b", of: Account.self, at: now)
                #expect(try await tx.execute(.deposit(100), on: "a", of: Account.self, at: now) == Int64(2 * amount))
            }
        }
        #expect(batch.commits == 3 && batch.events == 9)
        let (a, b) = (try await account("a"), try await account("b"))
        #expect(a.version == 6 && a.state.balance == 306 && b.version == 3 && b.state.balance == 60)
        #expect(a.createdAt == now && a.updatedAt == now)
        #expect(batch.commits == 3, "what is only read is no commit")
    }

    @Test("a body that throws leaves nothing, and a refusal that it catches leaves the rest")
    func refusals() async throws {
        await #expect(throws: Account.Rejection.insufficient(balance: 0)) {
            try await batch.transaction { tx in
                try await tx.execute(.deposit(1), on: "a", of: Account.self, at: now)
                try await tx.execute(.withdraw(1), on: "b", of: Account.self, at: now)
            }
        }
        #expect(batch.commits == 0 && batch.events == 0)
        try await batch.transaction { tx in
            try await tx.execute(.deposit(1), on: "a", of: Account.self, at: now)
            _ = try? await tx.execute(.withdraw(2), on: "a", of: Account.self, at: now)
            try await tx.execute(.wait, on: "b", of: Account.self, at: now)
        }
        #expect(batch.commits == 1 && batch.events == 1)
    }

    @Test("a command id takes effect once, in one transaction and in a later one, and is another command's never")
    func commandIDs() async throws {
        @Sendable func pay(_ amount: Int, to key: String = "a", id: String, in tx: BulkTransaction) async throws
            -> Int64
        {
            try await tx.execute(.deposit(amount), on: key, of: Account.self, commandID: id, at: now)
        }
        let first = try await batch.transaction { tx in
            [
                try await pay(1, id: "c-1", in: tx), try await pay(2, id: "c-2", in: tx),
                try await pay(1, id: "c-1", in: tx),
            ]
        }
        #expect(first == [1, 2, 1])
        let later = try await batch.transaction { tx in
            [try await pay(2, id: "c-2", in: tx), try await pay(3, to: "b", id: "c-1", in: tx)]
        }
        #expect(later == [2, 1])
        await #expect {
            try await batch.transaction { try await pay(3, id: "c-1", in: $0) }
        } throws: {
            ($0 as? DaybookError)?.code == .commandIDReused
        }
        #expect(try await account("a").state.balance == 3)
    }

    @Test("a version that is not there, a missing time and a transaction that is over are refused")
    func misuse() async throws {
        func code(_ body: () async throws -> Void) async -> DaybookError.Code? {
            do { try await body() } catch { return (error as? DaybookError)?.code }
            return nil
        }
        let expected = await code {
            try await batch.transaction { tx in
                _ = try await tx.execute(.deposit(1), on: "a", of: Account.self, expecting: 4, commandID: nil, at: now)
            }
        }
        #expect(expected == .conflict)
        let timeless = await code {
            try await batch.transaction { tx in
                _ = try await tx.execute(.deposit(1), on: "a", of: Account.self, at: nil)
            }
        }
        #expect(timeless == .invalidArgument)
        let escaped = try await batch.transaction { $0 }
        let late = await code { _ = try await escaped.load("a", of: Account.self) }
        #expect(late == .invalidTransaction)
        let nested = await code {
            try await batch.transaction { tx in
                try await tx.execute(.deposit(1), on: "a", of: Account.self, at: now)
                try await batch.transaction {
                    _ = try await $0.execute(.deposit(1), on: "a", of: Account.self, at: now)
                }
            }
        }
        #expect(nested == .invalidTransaction)
        #expect(try await account("a").version == 1)
    }

    @Test(
        "G3: command ids that Swift calls the same text are two where their bytes differ, in one transaction and across them"
    )
    func commandIDsByBytes() async throws {
        let ids = ("x\u{897}\u{334}", "x\u{334}\u{897}")
        try #require(ids.0 == ids.1)
        for key in ["a", "b"] {
            try await batch.transaction { tx in
                for id in key == "a" ? [ids.0, ids.1, ids.0] : [ids.0] {
                    try await tx.execute(.deposit(1), on: key, of: Account.self, expecting: nil, commandID: id, at: now)
                }
            }
            try await batch.transaction { tx in
                try await tx.execute(.deposit(1), on: key, of: Account.self, expecting: nil, commandID: ids.1, at: now)
            }
        }
        let (a, b) = (try await account("a"), try await account("b"))
        #expect(a.version == 2 && b.version == 2)
    }
}
