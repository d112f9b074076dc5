@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("Swaps that are stopped, and what their processes had sent", .serialized, .timeLimit(.minutes(5)))
struct SwapResumptionTests {
    private static let count = 60

    private static var accounts: ReconcileOptions {
        var options = ReconcileOptions()
        options.types = [Account.type]
        return options
    }

    private func withSeeded(_ body: (DaybookStore) async throws -> Void) async throws {
        try await ReconcileFixture.withStore(for: [Account.self, Tally.self]) { store in
            try await ReconcileFixture.seed(Account.self, count: Self.count, in: store)
            try await ReconcileFixture.seed(Tally.self, count: 5, in: store)
            try await body(store)
        }
    }

    /// Starts a swap, and stops it, as by Ctrl-C, when everything is built and nothing is renamed: no rename reaches
    /// the server.
    private func stopBeforeRename(_ store: DaybookStore, _ options: ReconcileOptions) async throws {
        try await ReconcileFixture.withWatched(on: store, for: [Account.self, Tally.self]) { watched, proxy in
            proxy.fail("renameCollection", .dropRequest, times: 1_000)
            let run = Task { try await watched.rebuild(options, swap: true) }
            #expect(await eventually("a rename was tried", within: .seconds(60)) { proxy.faults > 0 })
            run.cancel()
            await #expect(throws: (any Error).self) { try await run.value }
        }
        let last = try #require(try await store.runs().first)
        #expect(last.status == .interrupted, "\(last.reason ?? "")")
    }

    private func expectRight(_ store: DaybookStore, _ indexes: Set<BSONDocument>) async throws {
        #expect(try await store.raw.documents(in: "snapshots.account").count == Self.count)
        #expect(try await ReconcileFixture.indexes(of: Account.self, in: store) == indexes)
        let report = try await store.verify()
        #expect(report.isClean, "\(report.kinds)")
        #expect(try await store.raw.contents().keys.filter { $0.contains(".rebuild") } == [])
    }

    @Test("G8: what another run has built since is not taken for the own build")
    func anotherRunsBuild() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await stopBeforeRename(store, ReconcileOptions())
            // Another scope is another run. It is stopped when a part is built.
            var slow = Self.accounts
            slow.aggregatesPerSecond = 20
            let other = slow
            let run = Task { try await store.rebuild(other, swap: true) }
            let hasBegun = try await eventually("a part is built", within: .seconds(60)) {
                try await store.raw.contents().contains {
                    $0.key.contains(".account.rebuild") && (1..<30).contains($0.value.count)
                }
            }
            #expect(hasBegun)
            run.cancel()
            await #expect(throws: CancellationError.self) { try await run.value }

            let report = try await store.rebuild(swap: true)
            #expect(report.checked == Self.count + 5, "all of it is built anew")
            try await expectRight(store, indexes)
        }
    }

    @Test("a build that somebody dropped is made anew, and is not taken for one that was renamed")
    func droppedBuild() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await stopBeforeRename(store, Self.accounts)
            for name in DatabasePlan.rebuildCollections(of: "snapshots.account") {
                if try await store.raw.contents()[name] != nil {
                    _ = try await store.raw.write(["drop": .string(name)])
                }
            }
            try await store.raw.delete(
                ["_id": .string("account/\(ReconcileFixture.key(7))")], from: "snapshots.account")
            let report = try await store.rebuild(Self.accounts, swap: true)
            #expect(report.checked == Self.count)
            try await expectRight(store, indexes)
        }
    }

    @Test("a resumed swap goes on with its own build, and says what was done before")
    func resumed() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await stopBeforeRename(store, Self.accounts)
            for number in 0..<3 {
                try await store.repository(Account.self).execute(.deposit(1), on: ReconcileFixture.key(number))
            }
            let report = try await store.rebuild(Self.accounts, swap: true)
            #expect(report.checked == 0, "nothing is built a second time")
            #expect(report.earlier?.checked == Self.count)
            #expect(report.earlier?.written == Self.count)
            try await expectRight(store, indexes)
        }
    }

    /// The rename that a dead process has sent, done by the server now.
    private func renameLate(_ store: DaybookStore, _ name: String = "snapshots.account.rebuild") async throws {
        _ = try await store.raw.write(
            [
                "renameCollection": .string("\(store.database).\(name)"),
                "to": .string("\(store.database).snapshots.account"),
                "dropTarget": true,
            ], database: "admin")
    }

    @Test("a dead process's rename that the server does before the next one starts, is found to be done")
    func lateBefore() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await stopBeforeRename(store, Self.accounts)
            try await store.repository(Account.self).execute(.deposit(1), on: ReconcileFixture.key(1))
            try await renameLate(store)
            let report = try await store.rebuild(Self.accounts, swap: true)
            #expect(report.checked == 0)
            try await expectRight(store, indexes)
        }
    }

    @Test("a dead process's rename that the server does while the next one works meets nothing")
    func lateDuring() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await stopBeforeRename(store, Self.accounts)
            try await ReconcileFixture.withWatched(on: store, for: [Account.self, Tally.self]) { watched, proxy in
                // The first one moves the build out of the way of whatever the dead process has sent.
                proxy.fail("renameCollection", .hold, skip: 1)
                let run = Task { try await watched.rebuild(Self.accounts, swap: true) }
                #expect(await eventually("it is about to rename", within: .seconds(60)) { proxy.held == 1 })
                try await store.repository(Account.self).execute(.deposit(1), on: ReconcileFixture.key(1))
                await #expect(throws: MongoError.self) { try await renameLate(store) }
                await proxy.release()
                _ = try await run.value
            }
            try await expectRight(store, indexes)
        }
    }

    @Test("G9: a process that was held up past its lease renames nothing over what another has built since")
    func heldUp() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await ReconcileFixture.withWatched(on: store, for: [Account.self, Tally.self]) { watched, proxy in
                proxy.fail("renameCollection", .hold)
                let run = Task { try await watched.rebuild(Self.accounts, swap: true) }
                #expect(await eventually("it is about to rename", within: .seconds(60)) { proxy.held == 1 })
                // Its renewals come every five seconds; it is taken over in between.
                var isDone = false
                for _ in 0..<3 where !isDone {
                    try await store.raw.update(
                        ["_id": "reconcile.account"],
                        with: ["$set": ["expiresAt": .datetime(try BSONDate(Date(timeIntervalSince1970: 0)))]],
                        in: "daybook.leases")
                    do {
                        _ = try await store.rebuild(Self.accounts, swap: true, restart: true)
                        isDone = true
                    } catch let error as DaybookError where error.code == .conflict {}
                }
                #expect(isDone)
                try await store.repository(Account.self).execute(.deposit(1), on: ReconcileFixture.key(1))
                let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
                await proxy.release()
                await #expect(throws: DaybookError.self) { try await run.value }
                #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == before)
            }
            try await expectRight(store, indexes)
        }
    }

    @Test(
        "a rename whose answer is lost is found to be done; it is acknowledged by a majority, whatever the URI asks for"
    )
    func lostAnswer() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await ReconcileFixture.withWatched(on: store, for: [Account.self, Tally.self], options: ["w=1"]) {
                watched, proxy in
                proxy.fail("renameCollection", .dropReply)
                let report = try await watched.rebuild(Self.accounts, swap: true)
                #expect(report.checked == Self.count)
                let rename = try #require(proxy.exchanges.first { $0.command == "renameCollection" })
                #expect(rename.request.value(at: "writeConcern.w") == "majority")
                #expect(rename.request["collectionUUID"] != nil)
            }
            try await expectRight(store, indexes)
        }
    }

    @Test("whatever the URI asks for, a majority has each lease and all of the build")
    func majority() async throws {
        try await withSeeded { store in
            try await ReconcileFixture.withWatched(on: store, for: [Account.self, Tally.self], options: ["w=1"]) {
                watched, proxy in
                // Of one the snapshot cannot be told, and is taken over.
                try await store.raw.update(
                    ["aggregateId": .string("account/\(ReconcileFixture.key(1))"), "version": 1],
                    with: ["$set": ["type": "none"]],
                    in: "journal")
                proxy.forget()
                _ = try await watched.rebuild(Self.accounts, swap: true)
                let writes = proxy.exchanges.filter { exchange in
                    let name = exchange.request.string(at: exchange.command) ?? ""
                    let isWrite = ["insert", "update", "bulkWrite", "delete", "findAndModify"].contains(
                        exchange.command)
                    return isWrite && (name.contains("rebuild") || name == "daybook.leases")
                }
                #expect(
                    writes.contains {
                        $0.command == "insert" && $0.request.string(at: "insert")?.contains("rebuild") == true
                    })
                #expect(writes.contains { $0.request.string(at: $0.command) == "daybook.leases" })
                for write in writes {
                    #expect(write.request.value(at: "writeConcern.w") == "majority", "\(write.request)")
                }
            }
        }
    }

    @Test("an answer about the rename's write concern that is none of its outcome is found to be done")
    func writeConcernError() async throws {
        try await withSeeded { store in
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            try await ReconcileFixture.withWatched(on: store, for: [Account.self, Tally.self]) { watched, proxy in
                // The primary steps down while it waits for the others.
                proxy.fail(
                    "renameCollection",
                    .answer(
                        FaultProxy.Answer("a write concern error", .everything) { _ in
                            ["ok": 1.0, "writeConcernError": ["code": 189, "errmsg": "made up by a test"]]
                        }))
                let report = try await watched.rebuild(Self.accounts, swap: true)
                #expect(report.checked == Self.count)
                #expect(proxy.count("renameCollection") == 1)
            }
            try await expectRight(store, indexes)
        }
    }

    // MARK: Age and program

    @Test(
        "G8: a rebuild that is too old, or was another program's, is not resumed: what drifted since is put right",
        arguments: [false, true])
    func notResumed(swap: Bool) async throws {
        try await withSeeded { store in
            let old = BSONValue.datetime(try BSONDate(Date().addingTimeInterval(-2 * MaintenanceRun.resumableFor)))
            for change in [["updatedAt": old], ["program": "another"], ["program": .null]] as [BSONDocument] {
                var slow = Self.accounts
                slow.aggregatesPerSecond = 40
                slow.workers = 1
                let options = slow
                try await ReconcileFixture.dropSnapshots(Account.self, in: store)
                let run = Task { try await store.rebuild(options, swap: swap) }
                let hasBegun = try await eventually("it has written some", within: .seconds(60)) {
                    let run = try await store.runs().first
                    return run?.status == .running && (run?.written ?? 0) > 0
                }
                #expect(hasBegun)
                run.cancel()
                await #expect(throws: CancellationError.self) { try await run.value }
                let stopped = try #require(try await store.runs().first)
                let id = stopped.id
                let collection = stopped.builds["account"]?.collection ?? "snapshots.account"
                let first = try #require(try await store.raw.documents(in: collection).first)
                try await store.raw.update(
                    ["_id": first["_id"] ?? .null], with: ["$set": ["state.balance": 99]], in: collection)
                try await store.raw.update(
                    ["_id": .binary(BSONBinary(id))], with: ["$set": .document(change)], in: "daybook.runs")

                let report = try await store.rebuild(Self.accounts, swap: swap)
                #expect(report.checked == Self.count)
                #expect(report.earlier == nil)
                let verified = try await store.verify()
                #expect(verified.isClean, "\(verified.kinds)")
                #expect(try await store.runs().first { $0.id == id }?.reason?.contains("given up") == true)
            }
        }
    }

    @Test(
        "G8: a rebuild is resumed after a patch of the same program, and not after one of another program",
        arguments: [nil, "another", .null] as [BSONValue?])
    func patchedMeanwhile(program: BSONValue?) async throws {
        try await withSeeded { store in
            var slow = Self.accounts
            slow.aggregatesPerSecond = 40
            slow.workers = 1
            let options = slow
            try await ReconcileFixture.dropSnapshots(Account.self, in: store)
            let run = Task { try await store.rebuild(options) }
            let hasBegun = try await eventually("it has written some", within: .seconds(60)) {
                let run = try await store.runs().first
                return run?.status == .running && (run?.written ?? 0) > 0
            }
            #expect(hasBegun)
            run.cancel()
            await #expect(throws: CancellationError.self) { try await run.value }

            _ = try await store.patch(Self.accounts)
            let patch = try #require(try await store.runs().first)
            if let program {
                // What the other program's `apply` has made of it.
                let first = try #require(try await store.raw.documents(in: "snapshots.account").first)
                let id = first["_id"] ?? .null
                try await store.raw.update(["_id": id], with: ["$set": ["state.balance": 99]], in: "snapshots.account")
                let patchID = BSONValue.binary(BSONBinary(patch.id))
                try await store.raw.update(["_id": patchID], with: ["$set": ["program": program]], in: "daybook.runs")
            }
            let report = try await store.rebuild(Self.accounts)
            #expect((report.earlier == nil) == (program != nil))
            let verified = try await store.verify()
            #expect(verified.isClean, "\(verified.kinds)")
        }
    }
}
