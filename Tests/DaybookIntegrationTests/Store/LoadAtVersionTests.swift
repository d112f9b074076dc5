import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

@Suite struct LoadAtVersionTests {
    /// Every event of the aggregate under test, in commits of different sizes.
    private static let commits: [[Account.Event]] = [
        [.deposited(amount: 100)], [.withdrawn(amount: 30), .deposited(amount: 5)],
        [.deposited(amount: 1), .deposited(amount: 2), .deposited(amount: 3)],
        [.withdrawn(amount: 81)],
        [.deposited(amount: 7), .withdrawn(amount: 7), .deposited(amount: 9), .deposited(amount: 11)],
    ]

    private func fill(_ accounts: Repository<Account>) async throws -> [Account.Event] {
        var events: [Account.Event] = []
        for commit in Self.commits {
            try await accounts.append(commit, to: "a", expecting: Int64(events.count))
            try await accounts.execute(.deposit(1_000), on: "neighbour")
            events += commit
        }
        return events
    }

    @Test("G7: a load at a version equals folding that many events, for every version")
    func everyVersion() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let events = try await fill(accounts)
            var recorded: [RecordedEvent<Account>] = []
            for try await event in try accounts.history("a") { recorded.append(event) }
            try #require(recorded.count == events.count)
            var expected = Account()
            for version in 0...events.count {
                if version > 0 { expected.apply(events[version - 1]) }
                let loaded = try await accounts.load("a", at: .version(Int64(version)))
                #expect(loaded.state == expected)
                #expect(loaded.version == Int64(version))
                #expect(loaded.exists == (version > 0))
                #expect(loaded.createdAt == (version > 0 ? recorded[0].recordedAt : nil))
                #expect(loaded.updatedAt == (version > 0 ? recorded[version - 1].recordedAt : nil))
            }
            #expect(try await accounts.load("a") == accounts.load("a", at: .version(Int64(events.count))))
        }
    }

    @Test("G7: a load at a version does not depend on the snapshot")
    func withoutSnapshot() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let events = try await fill(accounts)
            try await store.raw.update(
                ["_id": "account/a"], with: ["$set": ["state.balance": 1, "version": 3]], in: "snapshots.account")
            for version in [1, 3, events.count] {
                let expected = events.prefix(version).reduce(into: Account()) { $0.apply($1) }
                #expect(try await accounts.load("a", at: .version(Int64(version))).state == expected)
            }
        }
    }

    @Test(
        "G7: beyond the head there is no version, and the error carries the last one",
        arguments: [12, 13, 1_000, Int64.max])
    func beyond(version: Int64) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let count = try await fill(accounts).count
            let error = await #expect(throws: DaybookError.self) { try await accounts.load("a", at: .version(version)) }
            #expect(error?.code == .versionNotFound)
            #expect(error?.version == Int64(count))
            #expect(error?.aggregateID == "account/a")
        }
    }

    @Test("an aggregate that was never seen has version 0 and no other")
    func neverSeen() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let loaded = try await accounts.load("none")
            #expect(loaded.version == 0 && !loaded.exists && loaded.state == Account())
            #expect(try await accounts.load("none", at: .version(0)) == loaded)
            let error = await #expect(throws: DaybookError.self) { try await accounts.load("none", at: .version(1)) }
            #expect(error?.code == .versionNotFound)
            #expect(error?.version == 0)
        }
    }

    @Test("G12: a negative version is an invalid argument", arguments: [-1, Int64.min])
    func negative(version: Int64) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(1), on: "a")
            let error = await #expect(throws: DaybookError.self) { try await accounts.load("a", at: .version(version)) }
            #expect(error?.code == .invalidArgument)
        }
    }
}
