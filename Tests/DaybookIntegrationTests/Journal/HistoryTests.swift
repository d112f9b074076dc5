import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite struct HistoryTests {
    @Test("a history has every event in order, with its commit, its time and its command id")
    func order() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            let first = try #require(try await accounts.execute(.depositEach([1, 2]), on: "a", commandID: "c-1"))
            try await accounts.execute(.deposit(100), on: "b")
            let second = try #require(try await accounts.execute(.withdraw(3), on: "a"))

            var events: [RecordedEvent<Account>] = []
            for try await event in try accounts.history("a") { events.append(event) }
            #expect(events.map(\.version) == [1, 2, 3])
            #expect(events.map(\.type) == ["deposited", "deposited", "withdrawn"])
            #expect(events.map(\.event) == [.deposited(amount: 1), .deposited(amount: 2), .withdrawn(amount: 3)])
            #expect(events.map(\.commitID) == [first.id, first.id, second.id])
            #expect(events.map(\.recordedAt) == [first.recordedAt, first.recordedAt, second.recordedAt])
            #expect(events.map(\.metadata.commandID) == ["c-1", nil, nil])
            #expect(events.map(\.aggregateID.rawValue) == ["account/a", "account/a", "account/a"])
            #expect(Set(events.map(\.id)).count == 3)
            #expect(first.recordedAt <= second.recordedAt)
        }
    }

    @Test("the history of an aggregate that was never seen is empty")
    func empty() async throws {
        try await withTestStore { store in
            for try await event in try store.repository(Account.self).history("none") { Issue.record("\(event)") }
        }
    }

    @Test("a history of 1,000 events comes whole, and may be left half-way", .timeLimit(.minutes(1)))
    func long() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await fill(accounts, "a", commits: 10)
            var events: [RecordedEvent<Account>] = []
            for try await event in try accounts.history("a") { events.append(event) }
            #expect(events.map(\.version) == Array(1...1_000))
            #expect(events.map(\.event) == (1...1_000).map { .deposited(amount: $0) })
            #expect(Set(events.map(\.commitID)).count == 10)
            #expect(try await accounts.load("a").state == Account(balance: 500_500, entries: 1_000))

            for try await event in try accounts.history("a") where event.version == 400 { break }
            #expect(await store.returnsEveryConnection())
        }
    }

    @Test(
        "an event that was deleted is a damaged journal, and the error names the version", arguments: [1, 2, 500, 999])
    func missing(version: Int64) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await fill(accounts, "a", commits: 10)
            try await store.raw.delete(["aggregateId": "account/a", "version": .int64(version)], from: "journal")

            var last: Int64 = 0
            let error = await #expect(throws: DaybookError.self) {
                for try await event in try accounts.history("a") { last = event.version }
            }
            #expect(error?.code == .damagedJournal)
            #expect(error?.version == version)
            #expect(error?.aggregateID == "account/a")
            #expect(last == version - 1)

            // A load at the missing version itself must not say that the aggregate ends before it.
            for point in [version, 1_000] {
                let replay = await #expect(throws: DaybookError.self) {
                    try await accounts.load("a", at: .version(point))
                }
                #expect(replay?.code == .damagedJournal)
                #expect(replay?.version == version)
            }
        }
    }

    @Test("an event of an unknown type stops history, load and execute with its type, aggregate and version")
    func unknownType() async throws {
        try await expectUnreadable(.unknownEvent, naming: "exploded") { try $0.setting("type", to: "exploded") }
    }

    @Test("an event of an unknown schema stops history, load and execute with its type, aggregate and version")
    func unknownSchema() async throws {
        try await expectUnreadable(.unknownEvent, naming: "deposited") { try $0.setting("schema", to: .int32(2)) }
    }

    @Test(
        "an event whose payload cannot be decoded stops history, load and execute with its type, aggregate and version")
    func undecodable() async throws {
        try await expectUnreadable(.unreadableEvent, naming: "deposited") {
            try $0.setting("data", to: ["amount": "much"])
        }
    }

    /// Two good events, then one that `change` made of the second.
    private func expectUnreadable(
        _ code: DaybookError.Code, naming type: String, change: (BSONDocument) throws -> BSONDocument
    ) async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            try await accounts.execute(.depositEach([1, 2]), on: "a")
            let second = try #require(try await store.raw.documents(in: "journal", where: ["version": 2]).first)
            let foreign = try change(second.setting("_id", to: .binary(BSONBinary(UUID()))).setting("version", to: 3))
            try await store.raw.insert([foreign], into: "journal")

            var versions: [Int64] = []
            var errors: [DaybookError?] = []
            errors.append(
                await #expect(throws: DaybookError.self) {
                    for try await event in try accounts.history("a") { versions.append(event.version) }
                })
            errors.append(await #expect(throws: DaybookError.self) { try await accounts.load("a") })
            errors.append(await #expect(throws: DaybookError.self) { try await accounts.load("a", at: .version(3)) })
            errors.append(await #expect(throws: DaybookError.self) { try await accounts.execute(.deposit(9), on: "a") })
            for error in errors {
                #expect(error?.code == code)
                #expect(error?.aggregateID == "account/a")
                #expect(error?.version == 3)
                #expect(error?.message.contains("\"\(type)\"") == true)
            }
            #expect(versions == [1, 2])
            #expect(try await accounts.load("a", at: .version(2)).state.balance == 3)
            #expect(try await store.raw.documents(in: "journal").count == 3)
        }
    }

    /// Commits of a hundred deposits, of 1, 2, 3 and so on.
    private func fill(_ accounts: Repository<Account>, _ key: String, commits: Int) async throws {
        for commit in 0..<commits {
            let events = (1...100).map { Account.Event.deposited(amount: commit * 100 + $0) }
            try await accounts.append(events, to: key, expecting: Int64(commit * 100))
        }
    }
}

extension RecordedEvent {
    var event: A.Event {
        switch body {
        case .event(let event): event
        case .correction, .retired: preconditionFailure("version \(version) is not an event of the aggregate's")
        }
    }
}
