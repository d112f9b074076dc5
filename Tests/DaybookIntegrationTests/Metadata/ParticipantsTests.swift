@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("Participants of a commit", .timeLimit(.minutes(1)))
struct ParticipantsTests {
    @Test("one command has one participant", arguments: [1, 2, 7])
    func one(events: Int) async throws {
        try await withTestStore { store in
            try await store.initialize(Tally.self)
            let accounts = store.repository(Account.self)
            let tallies = store.repository(Tally.self)
            try await accounts.execute(.deposit(1), on: "a")
            let amounts = Array(repeating: 1, count: events)
            let commit = try #require(try await accounts.execute(.depositEach(amounts), on: "a"))
            try await accounts.execute(.deposit(1), on: "a")
            let other = try #require(try await tallies.execute(.depositEach(amounts), on: "t"))
            #expect(try await store.participants(of: commit.id) == [commit])
            #expect(try await store.participants(of: other.id) == [other])
        }
    }

    @Test(
        "a transaction has those that it changed, each with its versions, in the order in which they were changed",
        arguments: [2, 50])
    func several(count: Int) async throws {
        try await withTestStore { store in
            try await store.initialize(Tally.self)
            let accounts = store.repository(Account.self)
            try await accounts.execute(.depositEach([1, 2]), on: "k1")
            let keys = (0..<count).map { "k\(($0 * 7) % count)" }
            try await store.transaction { transaction in
                _ = try await transaction.load("only-read", of: Account.self)
                for (index, key) in keys.enumerated() {
                    try await transaction.execute(
                        .depositEach(Array(repeating: 1, count: 1 + index % 3)), on: key, of: Account.self)
                }
                // Some again, when others came in between; and one of another kind.
                for key in keys.prefix(2) {
                    try await transaction.execute(.depositEach([1, 1]), on: key, of: Account.self)
                }
                try await transaction.execute(.deposit(1), on: "t", of: Tally.self)
            }
            var last: RecordedEvent<Tally>?
            for try await event in try store.repository(Tally.self).history("t") { last = event }
            let commitID = try #require(last?.commitID)
            let participants = try await store.participants(of: commitID)
            #expect(participants.map(\.aggregateID.rawValue) == keys.map { "account/\($0)" } + ["tally/t"])
            for (index, commit) in participants.dropLast().enumerated() {
                let first: Int64 = keys[index] == "k1" ? 3 : 1
                #expect(commit.versions == first...(first + Int64(index % 3) + (index < 2 ? 2 : 0)))
                #expect(commit.id == commitID && commit.recordedAt == last?.recordedAt)
            }
            #expect(participants.last?.versions == 1...1)
        }
    }

    @Test("an id that is no commit's has none: an unknown one, and that of a later event of a commit")
    func unknown() async throws {
        try await withTestStore { store in
            let accounts = store.repository(Account.self)
            #expect(try await store.participants(of: UUID()).isEmpty)
            let commit = try #require(try await accounts.execute(.depositEach([1, 2, 3]), on: "a"))
            #expect(try await store.participants(of: UUID()).isEmpty)
            var ids: [UUID] = []
            for try await event in try accounts.history("a") { ids.append(event.id) }
            #expect(ids.first == commit.id)
            for id in ids.dropFirst() { #expect(try await store.participants(of: id).isEmpty) }
        }
    }
}
