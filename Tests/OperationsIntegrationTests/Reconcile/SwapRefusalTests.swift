@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Synchronization
import Testing

@Suite("What a swap refuses, and what refuses it", .serialized, .timeLimit(.minutes(2)))
struct SwapRefusalTests {
    private static var accounts: ReconcileOptions {
        var options = ReconcileOptions()
        options.types = [Account.type]
        return options
    }

    private func withSeeded(_ count: Int, _ body: (DaybookStore) async throws -> Void) async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: count, in: store)
            try await body(store)
        }
    }

    @Test(
        "a snapshot that the operator's validator refuses ends it at once, with the reason; the collection in use is untouched"
    )
    func validator() async throws {
        try await withSeeded(20) { store in
            _ = try await store.raw.write(["collMod": "snapshots.account", "validator": ["state.balance": ["$lt": 15]]])
            let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let error = try await daybookError { _ = try await store.rebuild(Self.accounts, swap: true) }
            #expect(error?.message.contains("validator") == true, "\(error?.message ?? "nothing")")
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == before)
            #expect(try await store.runs().first?.status == .failed)
        }
    }

    @Test("an error in one range ends the others, whatever they have left to do")
    func otherRanges() async throws {
        try await withSeeded(200) { store in
            try await ReconcileFixture.dropSnapshots(Account.self, in: store)
            try await store.raw.prepare(for: ReconcileFixture.aggregates)
            // The first one of all is refused; of the others two are written a second.
            _ = try await store.raw.write([
                "collMod": "snapshots.account",
                "validator": ["_id": ["$ne": .string("account/\(ReconcileFixture.key(0))")]],
            ])
            var options = Self.accounts
            options.aggregatesPerSecond = 2
            let error = try await daybookError { _ = try await store.rebuild(options) }
            #expect(error?.message.contains("validator") == true, "\(error?.message ?? "nothing")")
            #expect(try await store.raw.documents(in: "snapshots.account").count < 100)
        }
    }

    private func makeUnique(_ store: DaybookStore) async throws {
        _ = try await store.raw.write([
            "createIndexes": "snapshots.account",
            "indexes": [["name": "operator", "key": ["state.balance": 1], "unique": true]],
        ])
    }

    /// Accounts whose balances differ, each in one event.
    private func withDistinct(_ count: Int, _ body: (DaybookStore) async throws -> Void) async throws {
        try await withSeeded(0) { store in
            for number in 0..<count {
                try await store.repository(Account.self).execute(
                    .deposit(100 * (number + 1)), on: ReconcileFixture.key(number))
            }
            try await body(store)
        }
    }

    private func makeUnique(_ collection: String, _ store: DaybookStore) async throws {
        _ = try await store.raw.write([
            "createIndexes": .string(collection),
            "indexes": [["name": "operator", "key": ["state.balance": 1], "unique": true]],
        ])
    }

    @Test(
        "a snapshot that an operator's unique index refuses ends it with the index, and none is lost; in place the others are put right"
    )
    func uniqueIndex() async throws {
        try await withDistinct(20) { store in
            // In the journal two have the same balance; among the snapshots one of them is not there.
            try await store.repository(Account.self).execute(.deposit(1), on: "one")
            try await store.raw.delete(["_id": "account/one"], from: "snapshots.account")
            try await store.repository(Account.self).execute(.deposit(1), on: "other")
            try await makeUnique("snapshots.account", store)
            let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let error = try await daybookError { _ = try await store.rebuild(Self.accounts, swap: true) }
            #expect(error?.code == .foreignIndex)
            #expect(error?.message.contains("state.balance") == true, "\(error?.message ?? "nothing")")
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == before)

            let damaged = "account/\(ReconcileFixture.key(9))"
            try await store.raw.update(
                ["_id": .string(damaged)], with: ["$set": ["state.entries": 99]], in: "snapshots.account")
            for report in [try await store.patch(Self.accounts), try await store.rebuild(Self.accounts)] {
                #expect(report.unrepaired == 1)
                let left = try #require(report.findings.first { $0.repair?.action == Finding.Repair.Action.none })
                #expect(left.aggregateID == "account/one")
                #expect(left.repair?.reason?.contains("state.balance") == true, "\(left)")
            }
            #expect(try await store.verify(Self.accounts).kinds == ["account/one": [.missing]])
        }
    }

    @Test("two aggregates may exchange what is unique while it builds")
    func exchanged() async throws {
        try await withDistinct(30) { store in
            var slow = Self.accounts
            slow.aggregatesPerSecond = 10
            slow.workers = 1
            let options = slow
            let run = Task { try await store.rebuild(options, swap: true) }
            let hasBegun = try await eventually("the first are built", within: .seconds(60)) {
                try await store.raw.documents(in: "snapshots.account.rebuild").count > 4
            }
            #expect(hasBegun)
            // Only the collection that is built has the index, so that the commits need not go through a third value.
            try await makeUnique("snapshots.account.rebuild", store)
            try await store.transaction { transaction in
                try await transaction.execute(.deposit(100), on: ReconcileFixture.key(0), of: Account.self)
                try await transaction.execute(.withdraw(100), on: ReconcileFixture.key(1), of: Account.self)
            }
            let report = try await run.value
            #expect(report.unrepaired == 0)
            #expect(try await store.verify(Self.accounts).isClean)
        }
    }

    @Test("an index of the collection in use that the server still builds is waited for: the rename would end it")
    func unfinishedIndex() async throws {
        try await withSeeded(20) { store in
            try await ReconcileFixture.withWatched(on: store, for: [Account.self]) { watched, proxy in
                let isBuilding = Mutex(true)
                let listing = FaultProxy.Answer("an index in construction", .everything) { exchange in
                    let reply = exchange.reply ?? [:]
                    guard isBuilding.withLock({ $0 }), exchange.request["listIndexes"] == "snapshots.account",
                        case .document(let cursor)? = reply["cursor"], case .array(let batch)? = cursor["firstBatch"]
                    else { return reply }
                    // As MongoDB lists it where it is asked for the ids of builds.
                    let index: BSONValue = [
                        "spec": ["v": 2, "key": ["state.balance": 1], "name": "later"],
                        "buildUUID": .binary(BSONBinary(subtype: .uuid, bytes: [UInt8](repeating: 7, count: 16))),
                    ]
                    let shown = try? cursor.setting("firstBatch", to: .array(batch + [index]))
                    return shown.flatMap { try? reply.setting("cursor", to: .document($0)) } ?? reply
                }
                proxy.fail("listIndexes", .answer(listing), times: .max)
                let run = Task { try await watched.rebuild(Self.accounts, swap: true) }
                let looksAgain = await eventually("it looks again", within: .seconds(20)) {
                    proxy.exchanges.count { $0.request["listIndexes"] == "snapshots.account" } >= 3
                }
                #expect(looksAgain)
                #expect(proxy.count("create") == 0)
                isBuilding.withLock { $0 = false }
                let report = try await run.value
                #expect(report.unrepaired == 0)
                #expect(proxy.count("create") == 1)
            }
        }
    }

    @Test("what is unique may go from one aggregate to another in the moment of the rename")
    func exchangedAtRename() async throws {
        try await withDistinct(30) { store in
            try await makeUnique(store)
            try await ReconcileFixture.withWatched(on: store, for: [Account.self]) { watched, proxy in
                proxy.fail("renameCollection", .hold)
                let run = Task { try await watched.rebuild(Self.accounts, swap: true) }
                #expect(await eventually("everything is built", within: .seconds(60)) { proxy.held == 1 })
                // Each has the value of the next, which has just gone on: one after the other, or none can be written.
                for number in (0..<30).reversed() {
                    try await store.repository(Account.self).execute(.deposit(100), on: ReconcileFixture.key(number))
                }
                await proxy.release()
                #expect(try await run.value.unrepaired == 0)
            }
            let verified = try await store.verify(Self.accounts)
            #expect(verified.isClean, "\(verified.kinds)")
        }
    }

    @Test("G10: a snapshot that a newer program writes while it builds makes it refuse, and is left")
    func newerMeanwhile() async throws {
        try await withSeeded(60) { store in
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            var slow = Self.accounts
            slow.aggregatesPerSecond = 40
            slow.workers = 1
            let options = slow
            let run = Task { try await store.rebuild(options, swap: true) }
            let hasBegun = try await eventually("the first are built", within: .seconds(60)) {
                try await store.raw.documents(in: "snapshots.account.rebuild").count > 4
            }
            #expect(hasBegun)
            try await forge(store, of: Account.self) { $0.stateSchema = 2 }
            let newer = try await store.snapshot("a", Account.self)
            let error = try await daybookError { _ = try await run.value }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("newer program") == true, "\(error?.message ?? "nothing")")
            #expect(try await store.snapshot("a", Account.self) == newer)
        }
    }

    @Test("a clustered collection is built as one; its own index is not made a second time")
    func clustered() async throws {
        try await withSeeded(5) { store in
            try await ReconcileFixture.dropSnapshots(Account.self, in: store)
            _ = try await store.raw.write([
                "create": "snapshots.account", "clusteredIndex": ["key": ["_id": 1], "unique": true, "name": "by id"],
            ])
            try await store.raw.prepare(for: ReconcileFixture.aggregates)
            try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                _ = try await watched.rebuild(Self.accounts, swap: true)
                let made = proxy.exchanges.filter { $0.command == "createIndexes" }.flatMap {
                    $0.request.documents(at: "indexes")
                }
                #expect(!made.contains { $0["name"] == "by id" }, "\(made)")
                let created = proxy.exchanges.first { $0.command == "create" }
                #expect(created?.request.value(at: "clusteredIndex.name") == "by id")
            }
            #expect(try await store.verify(Self.accounts).isClean)
        }
    }

    @Test("an index that an operator makes while it builds is in the new collection")
    func indexMeanwhile() async throws {
        try await withSeeded(40) { store in
            var slow = Self.accounts
            slow.aggregatesPerSecond = 40
            let options = slow
            let run = Task { try await store.rebuild(options, swap: true) }
            let hasBegun = try await eventually("the first are built", within: .seconds(60)) {
                try await !store.raw.documents(in: "snapshots.account.rebuild").isEmpty
            }
            #expect(hasBegun)
            _ = try await store.raw.write([
                "createIndexes": "snapshots.account", "indexes": [["name": "operator", "key": ["state.entries": -1]]],
            ])
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            _ = try await run.value
            #expect(try await ReconcileFixture.indexes(of: Account.self, in: store) == indexes)
        }
    }

    @Test("G5: the commits of the moment of the rename are caught up together, not one after the other")
    func momentOfTheRename() async throws {
        try await withSeeded(60) { store in
            try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                proxy.fail("renameCollection", .hold)
                let run = Task { try await watched.rebuild(Self.accounts, swap: true) }
                #expect(await eventually("it is about to rename", within: .seconds(60)) { proxy.held == 1 })
                for number in 0..<50 {
                    try await store.repository(Account.self).execute(.deposit(1), on: ReconcileFixture.key(number))
                }
                proxy.forget()
                await proxy.release()
                _ = try await run.value
                let writes = proxy.exchanges.count { exchange in
                    ["insert", "update", "bulkWrite"].contains(exchange.command)
                        && exchange.request.string(at: exchange.command)?.hasPrefix("snapshots.") != false
                }
                #expect((1...25).contains(writes), "\(writes) writes for 50 snapshots")
            }
            #expect(try await store.verify(Self.accounts).isClean)
        }
    }

    @Test(
        "a rebuild names the one snapshot that would be over 16 MiB and leaves it as it was, in place and with a swap")
    func tooLarge() async throws {
        try await ReconcileFixture.withStore(for: [Notebook.self]) { store in
            let notebooks = store.repository(Notebook.self)
            try await notebooks.execute(.write("small"), on: "m")
            try await notebooks.execute(.write(String(repeating: "x", count: 9 << 20)), on: "n")
            // No commit would let it in.
            let first = try #require(
                try await store.raw.documents(in: "journal").first { $0["aggregateId"] == "notebook/n" })
            let stored = try first.withBorrowed { try $0.first("_id")?.uuid() }
            let id = try #require(stored.flatMap { EventID($0).advanced(by: 1) })
            let next = BSONValue.binary(BSONBinary(id.uuid))
            let second = try first.setting("_id", to: next).setting("version", to: .int64(2)).setting(
                "commit", to: ["id": next, "index": .int32(0), "count": .int32(1)])
            try await store.raw.insert([second], into: "journal")
            let before = try await ReconcileFixture.snapshots(of: Notebook.self, in: store)

            for swap in [false, true] {
                let report = try await store.rebuild(ReconcileOptions(), swap: swap)
                #expect(report.unrepaired == 1)
                let finding = try #require(report.findings.first)
                #expect(finding.aggregateID == "notebook/n" && finding.detail.contains("\(16 << 20)"), "\(finding)")
                #expect(try await ReconcileFixture.snapshots(of: Notebook.self, in: store) == before)
            }
        }
    }
}
