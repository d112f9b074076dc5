@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("Rebuild", .serialized, .timeLimit(.minutes(5)))
struct RebuildTests {
    @Test("G8: snapshots that were dropped are made anew, byte for byte, with their indexes", arguments: [false, true])
    func dropped(swap: Bool) async throws {
        try await ReconcileFixture.withStore { store in
            let count = TestScale.snapshots / 4
            try await ReconcileFixture.seed(Account.self, count: count, in: store)
            try await ReconcileFixture.seed(Tally.self, count: count / 2, in: store)
            let accounts = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let tallies = try await ReconcileFixture.snapshots(of: Tally.self, in: store)
            let indexes = try await ReconcileFixture.indexes(of: Account.self, in: store)
            #expect(indexes.count == 2)
            let journal = try await store.raw.documents(in: "journal")
            try await ReconcileFixture.dropSnapshots(Account.self, Tally.self, in: store)
            #expect(try await store.verify().counts == [.missing: count + count / 2])

            let report = try await store.rebuild(swap: swap)
            #expect(report.written == count + count / 2)
            #expect((report.checked, report.unrepaired) == (count + count / 2, 0))
            #expect(report.events == journal.count)
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == accounts)
            #expect(try await ReconcileFixture.snapshots(of: Tally.self, in: store) == tallies)
            #expect(try await ReconcileFixture.indexes(of: Account.self, in: store) == indexes)
            #expect(try await Set(store.raw.documents(in: "journal")) == Set(journal))
            #expect(try await store.verify().isClean)
            let run = try #require(try await store.runs().first)
            #expect((run.status, run.isSwap, run.completion) == (.done, swap, 1))
            #expect((run.checked, run.events, run.written) == (report.checked, report.events, report.written))
            #expect(run.id.uuidString.lowercased() == report.runID)
        }
    }

    @Test("an empty database, and one without a single aggregate of a type, are done at once")
    func empty() async throws {
        try await ReconcileFixture.withStore { store in
            for report in [
                try await store.verify(), try await store.verify(depth: .quick), try await store.patch(),
                try await store.rebuild(),
                try await store.rebuild(swap: true),
            ] {
                #expect(report.isClean)
                #expect((report.checked, report.events, report.written) == (0, 0, 0))
            }
            try await store.repository(Meter.self).execute(.deposit(1), on: "m")
            #expect(try await store.rebuild(swap: true).isClean)
            #expect(try await store.verify().checked == 1)
        }
    }

    @Test(
        "a swap leaves nothing behind that is not the journal's: neither orphans nor drift; the guard's field goes with them"
    )
    func leftovers() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 30, in: store)
            let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let id = "account/\(ReconcileFixture.key(4))"
            try await store.raw.update(
                ["_id": .string(id)], with: ["$set": ["state.balance": 1, "lock": 3]], in: "snapshots.account")
            try await store.raw.put(before[id]?.setting("_id", to: "account/nobody") ?? [:], into: "snapshots.account")
            try await store.raw.insert([["_id": 5]], into: "snapshots.account")
            var accounts = ReconcileOptions()
            accounts.types = [Account.type]
            #expect(try await store.rebuild(accounts, swap: true).written == 30)
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == before)
            #expect(try await store.raw.contents().keys.contains { $0.contains(".rebuild") } == false)
        }
    }

    @Test("what a rebuild beside the one in use left when it died for good is not in the way of the next")
    func debris() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 10, in: store)
            let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            try await store.raw.insert([["_id": "account/debris", "version": 9]], into: "snapshots.account.rebuild")
            _ = try await store.rebuild(swap: true)
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == before)
            #expect(try await store.verify().isClean)
        }
    }
}
