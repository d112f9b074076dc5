@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// A commit whose event is on one shard and whose snapshot is on another: for a moment, or for as long as a shard
/// elects a primary, a reader sees one of them alone.
@Suite("A half-visible commit", .timeLimit(.minutes(3)))
struct HalfCommitTests {
    enum Half: String, CaseIterable, Sendable { case event, snapshot }

    /// Runs `body` while of the second commit on `b`, or its first, only one half can be seen.
    private func withHalf(
        _ half: Half, of version: Int64, _ body: (DaybookStore, Mongos, FaultProxy, DriverFixture) async throws -> Void
    ) async throws {
        try await withMongos { store, mongos, proxy, fixture in
            let others = try store.withoutProxy()
            for amount in 1...version {
                try await others.repository(Account.self).execute(.deposit(Int(amount)), on: "b")
            }
            await others.close()
            switch half {
            case .event: mongos.hide(["aggregateId": "account/b", "version": .int64(version)], in: "journal")
            case .snapshot: mongos.hide(["_id": "account/b"], in: "snapshots.account")
            }
            proxy.forget()
            try await body(store, mongos, proxy, fixture)
        }
    }

    @Test(
        "a load during a half-visible commit returns the version before it or its own, never another state",
        arguments: Half.allCases, [Int64(1), 2])
    func load(half: Half, version: Int64) async throws {
        try await withHalf(half, of: version) { store, mongos, _, _ in
            let accounts = store.repository(Account.self)
            let seen = try await accounts.load("b")
            #expect(seen.version == (half == .event ? version - 1 : version))
            #expect(seen.state.balance == Int(seen.version * (seen.version + 1) / 2))
            mongos.show()
            #expect(try await accounts.load("b").version == version)
        }
    }

    @Test(
        "a command during a half-visible commit comes after it, and both are stored", arguments: Half.allCases,
        [Int64(1), 2])
    func execute(half: Half, version: Int64) async throws {
        try await withHalf(half, of: version) { store, mongos, proxy, fixture in
            let commit = Task { try await store.repository(Account.self).execute(.deposit(9), on: "b") }
            // It is refused by the half that it does not see, again and again: on a cluster by a write conflict with
            // the prepared transaction.
            try await #require(eventually("it has been refused") { proxy.count("bulkWrite") >= 2 })
            mongos.show()
            #expect(try await commit.value?.version == version + 1)
            try await expectDeposits(version == 1 ? [1, 9] : [1, 2, 9], on: "b", fixture)
            #expect(try await store.verify().isClean)
        }
    }

    @Test(
        "a patch during a half-visible commit removes nothing and writes nothing older", arguments: Half.allCases,
        [Int64(1), 2])
    func patch(half: Half, version: Int64) async throws {
        try await withHalf(half, of: version) { store, mongos, proxy, fixture in
            let right = Set(try await fixture.documents(in: "snapshots.account"))
            let patch = Task { try await store.patch() }
            // It looks more than once at what it suspects.
            await eventually("it has looked twice", within: .seconds(2)) {
                proxy.exchanges.count { $0.command == "find" && "\($0.request)".contains("account/b") } >= 4
            }
            mongos.show()
            _ = try await patch.value
            #expect(Set(try await fixture.documents(in: "snapshots.account")) == right)
            #expect(try await store.verify().isClean)
            try await expectDeposits(version == 1 ? [1] : [1, 2], on: "b", fixture)
        }
    }

    @Test("verify during a half-visible commit reports no drift", arguments: Half.allCases, [Int64(1), 2])
    func verify(half: Half, version: Int64) async throws {
        try await withHalf(half, of: version) { store, mongos, proxy, _ in
            let verify = Task { try await store.verify() }
            await eventually("it has looked twice", within: .seconds(2)) {
                proxy.exchanges.count { $0.command == "find" && "\($0.request)".contains("account/b") } >= 4
            }
            mongos.show()
            let findings = try await verify.value.findings
            #expect(findings.map(\.kind) == [])
        }
    }
}
