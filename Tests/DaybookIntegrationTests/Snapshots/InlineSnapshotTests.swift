import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

@Suite struct InlineSnapshotTests {
    @Test(
        "G5: a query that starts after a commit returned sees its version, beside other writers",
        .timeLimit(.minutes(1)))
    func querySeesCommit() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 1...6 {
                    group.addTask {
                        for _ in 1...15 {
                            // Half of them at an aggregate of their own, where the version is exact; half at one they
                            // share.
                            let key = writer.isMultiple(of: 2) ? "own-\(writer)" : "shared"
                            let commit = try #require(try await accounts.execute(.deposit(1), on: key))
                            var seen: [Snapshot<Account>] = []
                            for try await snapshot in accounts.query(matching: ["_id": .string("account/\(key)")]) {
                                seen.append(snapshot)
                            }
                            #expect(seen.count == 1)
                            #expect(seen[0].version >= commit.version)
                            #expect(key == "shared" || seen[0].version == commit.version)
                            #expect(
                                seen[0].state == Account(balance: Int(seen[0].version), entries: Int(seen[0].version)))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await accounts.load("shared").version == 45)
        }
    }

    @Test("G5: a query by a field sees what a transaction over several aggregates has just committed")
    func querySeesTransaction() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            for round in 1...20 {
                try await store.transaction { transaction in
                    for key in ["a", "b", "c"] { try await transaction.execute(.deposit(1), on: key, of: Account.self) }
                }
                var ids: [String] = []
                for try await snapshot in accounts.query(where: \.balance == round) { ids.append(snapshot.id.key) }
                #expect(ids.sorted() == ["a", "b", "c"])
            }
        }
    }

    @Test("the times of a snapshot are those of its first and its last event")
    func times() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let first = try #require(try await accounts.execute(.deposit(1), on: "a"))
            try await accounts.execute(.deposit(1), on: "a")
            let last = try #require(try await accounts.execute(.deposit(1), on: "a"))
            let loaded = try await accounts.load("a")
            #expect(loaded.createdAt == first.recordedAt)
            #expect(loaded.updatedAt == last.recordedAt)
            for try await queried in accounts.query() { #expect(queried == loaded) }
            #expect(try await accounts.load("a", at: .version(3)) == loaded)
        }
    }
}
