@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("A feed whose place is lost", .serialized, .timeLimit(.minutes(5)))
struct LostFeedTests {
    private static let message = "no longer knows the place"

    /// Runs `body` with a feed that follows. There are 20 events of an hour ago on `old`, and 21 that are new.
    private func withFeed(
        _ body: (DaybookStore, JournalFeed, FeedPosition, FaultProxy, CapturedLines) async throws -> Void
    ) async throws {
        let lines = CapturedLines()
        try await withFaultyStore { store, proxy, _ in
            var configuration = store.configuration
            configuration.logger = lines.logger
            configuration.clock = CommitClock(
                now: { Date().addingTimeInterval(-3_600) }, random: { .random(in: .min ... .max) })
            _ = try await withDaybook(configuration) {
                try await $0.repository(Account.self).execute(.depositEach(Array(repeating: 1, count: 20)), on: "old")
            }
            configuration.clock = .system
            try await withDaybook(configuration) { store in
                let accounts = store.repository(Account.self)
                try await accounts.execute(.depositEach(Array(repeating: 1, count: 20)), on: "new")
                let feed = JournalFeed(of: store.tail)
                var batch = try await feed.next()
                var count = batch.events.count
                while !batch.isFollowing {
                    batch = try await feed.next()
                    count += batch.events.count
                }
                #expect(count == 41)
                proxy.forget()
                try await body(store, feed, batch.position, proxy, lines)
            }
        }
    }

    /// Reads until the event at `version` of `new` has come.
    private func read(_ feed: JournalFeed, until version: Int64) async throws -> ReceivedEvents {
        var received = ReceivedEvents()
        while received.versions["account/new"]?.contains(version) != true { received.take(try await feed.next()) }
        return received
    }

    @Test(
        "S2: misses nothing, scans only from ten minutes before, logs once, and sends few commands",
        arguments: [Int32(286), 280], [["getMore"], ["getMore", "aggregate"]])
    func midStream(code: Int32, commands: [String]) async throws {
        try await withFeed { store, feed, _, proxy, lines in
            for command in commands {
                proxy.fail(command, .error(code, labels: ["NonResumableChangeStreamError"]))
            }
            try await store.repository(Account.self).execute(.depositEach([1, 2, 3]), on: "new")
            var received = try await read(feed, until: 23)
            // A reply that was under way before the fault may have brought the events.
            let deadline = ContinuousClock.now + .seconds(20)
            while lines.containing(Self.message).isEmpty, ContinuousClock.now < deadline {
                received.take(try await feed.next())
            }
            #expect(proxy.faults == commands.count)
            #expect(received.versions["account/old"] == nil)
            #expect(Set(received.versions["account/new"] ?? []).isSuperset(of: 21...23))
            #expect(lines.containing(Self.message).count == 1)
            #expect(proxy.count("aggregate") <= 3)
            #expect(proxy.exchanges.count { $0.request.string(at: "insert") == "daybook.marks" } <= 4)
        }
    }

    @Test("S2: a stored token that the server refuses is a lost place too; without its time the whole journal is read")
    func stored() async throws {
        try await withFeed { store, _, position, _, lines in
            try await store.repository(Account.self).execute(.deposit(1), on: "new")
            let token = try #require(ResumeToken(["_data": "nonsense"]))
            #expect(position.time != nil)
            for time in [position.time, nil] {
                let lost = FeedPosition(.following, token: token, time: time)
                let received = try await read(JournalFeed(of: store.tail, from: lost), until: 21)
                #expect((received.versions["account/old"] == nil) == (time != nil))
                #expect(received.versions["account/new"]?.last == 21)
            }
            #expect(lines.containing(Self.message).count == 2)
        }
    }

    @Test("S2: a server that loses every place is asked less and less")
    func always() async throws {
        try await withFeed { store, feed, _, proxy, lines in
            for command in ["getMore", "aggregate"] {
                proxy.fail(command, .error(286, labels: ["NonResumableChangeStreamError"]), times: 1_000)
            }
            let reading = Task { try await read(feed, until: 21) }
            try await Task.sleep(for: .seconds(5))
            #expect(proxy.count("aggregate") <= 5)
            #expect(lines.containing(Self.message).count == 1)
            proxy.heal()
            try await store.repository(Account.self).execute(.deposit(1), on: "new")
            #expect(try await reading.value.versions["account/old"] == nil)
        }
    }

    @Test("S12: the position of an idle feed moves on, and nothing is missed after it")
    func idle() async throws {
        try await withFeed { store, feed, position, _, _ in
            _ = try await store.tail.writeMark()
            var last = position
            let moved = try await eventually("the position moves") {
                let batch = try await feed.next()
                #expect(batch.events.isEmpty)
                last = batch.position
                return last.token != position.token && last.time != position.time
            }
            #expect(moved)
            try await store.repository(Account.self).execute(.deposit(1), on: "new")
            let received = try await read(JournalFeed(of: store.tail, from: last), until: 21)
            #expect(received.versions == ["account/new": [21]])
        }
    }

    @Test("a journal that is dropped is a typed error, again and again")
    func gone() async throws {
        try await withFeed { store, feed, _, _, _ in
            _ = try await store.raw.write(["drop": "journal"])
            for _ in 0..<2 {
                let error = try await daybookError { while true { _ = try await feed.next() } }
                #expect(error?.code == .journalGone)
            }
        }
    }
}
