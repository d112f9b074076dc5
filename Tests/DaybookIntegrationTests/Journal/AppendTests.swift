import Daybook
import DaybookBSON
import IntegrationSupport
import Testing

@Suite struct AppendTests {
    @Test(
        "G1: an append that does not follow the head is refused, and nothing is written",
        arguments: [0, 1, 3, 4, 1_000, -1])
    func notAfterTheHead(expected: Int64) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.append([.deposited(amount: 1), .deposited(amount: 2)], to: "a", expecting: 0)
            let before = try await store.raw.documents(in: "journal")
            let error = await #expect(throws: DaybookError.self) {
                try await accounts.append([.deposited(amount: 3)], to: "a", expecting: expected)
            }
            #expect(error?.code == .conflict)
            #expect(error?.version == 2)
            #expect(error?.aggregateID == "account/a")
            #expect(error?.operation == "append")
            #expect(try await store.raw.documents(in: "journal") == before)
            #expect(try await accounts.load("a").version == 2)
        }
    }

    @Test("G1: an append beyond an aggregate that has no events is refused")
    func gapAtTheStart() async throws {
        try await withTestStore { store in
            let error = await #expect(throws: DaybookError.self) {
                try await store.repository(Account.self).append([.deposited(amount: 1)], to: "new", expecting: 1)
            }
            #expect(error?.code == .conflict)
            #expect(error?.version == 0)
            let (events, snapshots) = (
                try await store.raw.documents(in: "journal"), try await store.raw.documents(in: "snapshots.account")
            )
            #expect(events.isEmpty && snapshots.isEmpty)
        }
    }

    @Test("the events of an append are one commit, in order")
    func oneCommit() async throws {
        try await withTestStore { store in
            let events = (1...7).map { Account.Event.deposited(amount: $0) }
            let commit = try #require(try await store.repository(Account.self).append(events, to: "a", expecting: 0))
            #expect(commit.versions == 1...7)
            #expect(commit.version == 7)
            let audit = try await JournalAudit(store.raw)
            #expect(audit.faults.isEmpty, "\(audit.faults)")
            #expect(audit.commits.keys.map { $0 } == [.binary(BSONBinary(commit.id))])
            #expect(audit.events["account/a"]?.map { $0.integer(at: "data.amount") } == Array(1...7))
        }
    }

    @Test("an append of nothing writes nothing")
    func nothing() async throws {
        try await withTestStore { store in
            let commit = try await store.repository(Account.self).append([], to: "a", expecting: 0)
            #expect(commit == nil)
            #expect(try await store.raw.documents(in: "journal").isEmpty)
        }
    }

    @Test(
        "G12: a key that breaks a rule is refused before anything is sent",
        arguments: ["", String(repeating: "k", count: 257), "a\u{0}b", "line\nbreak", "e\u{301}", "\u{85}"])
    func badKey(key: String) async throws {
        try await withTestStore { store in
            let error = await #expect(throws: DaybookError.self) {
                try await store.repository(Account.self).execute(.deposit(1), on: key)
            }
            #expect(error?.code == .invalidArgument)
            let events = try await store.raw.documents(in: "journal")
            #expect(events.isEmpty)
        }
    }

    @Test(
        "a key may be any text in normalization form C, and keys differ by their bytes",
        arguments: ["é", "日本/語", "🧾", "a$b.c", "$where"])
    func unusualKey(key: String) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(5), on: key)
            try await accounts.execute(.deposit(6), on: key)
            #expect(try await accounts.load(key).state.balance == 11)
            #expect(try await accounts.load(key).id.key == key)
            #expect(try await store.raw.document(in: "snapshots.account", id: "account/\(key)") != nil)
        }
    }
}
