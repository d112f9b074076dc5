@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// A router gives no change before every shard has said that it has no earlier one, which a shard without writes says
/// every ten seconds. Until then streams come back empty, though events are there.
@Suite("A cold shard", .timeLimit(.minutes(3)))
struct ColdShardTests {
    /// Empty batches that have to go by: a real shard's ten seconds are some twenty.
    private static let emptyBatches = 4

    @Test("tail --follow gives events late then, each once, also those that came while it began")
    func tail() async throws {
        try await withMongos { store, mongos, proxy, fixture in
            let others = try store.withoutProxy()
            mongos.chill()
            // Between the opening of the stream and the reading of the last events: the stream has that event too, and
            // gives it much later.
            proxy.fail("find", .hold)
            let seen = Recorder<Int64?>()
            let reader = Task {
                for try await case .event(let entry) in store.tail(10, isFollowing: true) {
                    seen.record(entry.document.integer(at: "data.amount"))
                }
            }
            try #require(await eventually("the tail reads the last events") { proxy.held == 1 })
            try await others.repository(Account.self).execute(.deposit(2), on: "a")
            await proxy.release()
            try #require(await eventually("it has the last ones") { seen.all.count == 2 })
            try await others.repository(Account.self).execute(.depositEach([3, 4]), on: "b")
            try #require(
                await eventually("the stream comes back empty") {
                    mongos.emptyBatches >= Self.emptyBatches && mongos.heldEvents == 3
                })
            #expect(seen.all == [1, 2])
            mongos.warm()
            try await others.repository(Account.self).execute(.deposit(5), on: "a")
            try #require(await eventually("all have come") { seen.all.contains(5) })
            #expect(seen.all == [1, 2, 3, 4, 5])
            reader.cancel()
            _ = await reader.result
            await others.close()
        }
    }

    enum FeedState: String, CaseIterable, Sendable { case following, stopped, scanning }

    @Test("a feed delivers events late then, each once, whatever it was doing", arguments: FeedState.allCases)
    func feed(state: FeedState) async throws {
        try await withMongos { store, mongos, _, _ in
            let others = try store.withoutProxy()
            let accounts = others.repository(Account.self)
            let seen = Recorder<Int64?>()
            @Sendable func read(_ feed: JournalFeed) async throws -> JournalFeed.Batch {
                let batch = try await feed.next()
                for event in batch.events { seen.record(event.head?.version) }
                return batch
            }
            var feed = JournalFeed(of: store.tail)
            var batch = try await read(feed)
            if state != .scanning { while !batch.isFollowing { batch = try await read(feed) } }
            let before = seen.all
            mongos.chill()
            try await accounts.execute(.depositEach([2, 3]), on: "a")
            let reader = Task { [feed, batch] in
                var last = batch
                while !Task.isCancelled { last = try await read(feed) }
                return last.position
            }
            try #require(
                await eventually("its stream comes back empty") {
                    mongos.emptyBatches >= Self.emptyBatches && mongos.heldEvents >= 2
                })
            #expect(seen.all == before)
            if state == .stopped {
                reader.cancel()
                _ = await reader.result
                feed = JournalFeed(of: store.tail, from: batch.position)
            }
            mongos.warm()
            try await accounts.execute(.deposit(4), on: "a")
            let rest = Task { [feed] in
                if state == .stopped { while seen.all.count < 4 { _ = try await read(feed) } }
            }
            try #require(await eventually("all have come") { seen.all.count >= 4 })
            #expect(seen.all == [1, 2, 3, 4])
            reader.cancel()
            _ = await (reader.result, rest.result)
            await others.close()
        }
    }

    @Test(
        "the projector catches up what dead writers left, late then, and loses none when it is stopped meanwhile",
        arguments: [false, true])
    func projector(isStopped: Bool) async throws {
        try await withMongos { store, mongos, _, fixture in
            func leaveBehind(_ key: String) async throws {
                _ = try await store.repository(AbandonedTally.self).execute(.deposit(5), on: key)
            }
            func isCaughtUp(_ key: String) async throws -> Bool { try await store.isCaughtUp(key, Tally.self) }
            func checkpoint() async throws -> BSONDocument? {
                try await fixture.documents(in: "daybook.checkpoints").first { $0["_id"] == "snapshots.tally" }
            }
            var runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
            var run = Task { [runner] in try await runner.run() }
            try await leaveBehind("before")
            try #require(try await eventually("it works", within: .seconds(40)) { try await isCaughtUp("before") })
            try #require(
                try await eventually("it has a checkpoint", within: .seconds(40)) {
                    try await checkpoint()?["token"] != nil
                })
            mongos.chill()
            for number in 0..<5 { try await leaveBehind("cold-\(number)") }
            try #require(
                await eventually("its stream comes back empty", within: .seconds(40)) {
                    mongos.emptyBatches >= Self.emptyBatches && mongos.heldEvents >= 5
                })
            #expect(try await !isCaughtUp("cold-0"))
            if isStopped {
                run.cancel()
                try await run.value
                runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
                run = Task { [runner] in try await runner.run() }
            }
            mongos.warm()
            for number in 0..<5 {
                #expect(
                    try await eventually("what was held back is caught up", within: .seconds(40)) {
                        try await isCaughtUp("cold-\(number)")
                    })
            }
            run.cancel()
            try await run.value
            #expect(try await store.verify().isClean)
        }
    }
}
