@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// A feed that begins while others write delivers each event once, in order. Two simpler ways of going over from the
/// scan to the tail are controls, which fail.
@Suite("A feed of the journal", .serialized, .timeLimit(.minutes(60)))
struct JournalFeedTests {
    /// Reads what is left, until as many have come as were written, and what else would still come.
    private func finish(_ feed: JournalFeed, _ received: inout ReceivedEvents, _ total: Int64) async throws {
        var deadline = ContinuousClock.now + .seconds(60)
        while received.count < total, ContinuousClock.now < deadline {
            let batch = try await feed.next()
            received.take(batch)
            if !batch.events.isEmpty { deadline = .now + .seconds(60) }
        }
        for _ in 0..<3 { received.take(try await feed.next()) }
    }

    @Test("G13: delivers each event once and in order, whatever is written while it scans and goes over to the tail")
    func handOver() async throws {
        try await withTestStore { store in
            try await FeedTraffic.fill(store, events: TestScale.feedEvents)
            var received = ReceivedEvents()
            var feed = JournalFeed(of: store.tail)
            var (stops, follows) = (0, 0)
            try await FeedTraffic.write(to: store) {
                let start = ContinuousClock.now
                var elapsed = Duration.zero
                // The seam is crossed while they write, however long the scan takes.
                while elapsed < .seconds(TestScale.feedSeconds)
                    || (follows < 5 && elapsed < .seconds(20 * TestScale.feedSeconds))
                {
                    elapsed = ContinuousClock.now - start
                    let batch = try await feed.next()
                    received.take(batch)
                    follows += batch.isFollowing ? 1 : 0
                    // A process that ends after it has saved its position, and another one that continues there.
                    guard Int.random(in: 0..<10) == 0 else { continue }
                    let position = try #require(FeedPosition(batch.position.document))
                    #expect(position == batch.position)
                    feed = JournalFeed(of: store.tail, from: position)
                    stops += 1
                }
            }
            let heads = try await FeedTraffic.heads(store)
            try await finish(feed, &received, heads.values.reduce(0, +))
            #expect(stops > 0 && follows > 0)
            #expect(received.missed(of: heads) == 0)
            #expect(received.repeated == 0)
            #expect(received.disordered == 0)
        }
    }

    /// A scan and a tail without the rule, beside the same writers.
    ///
    /// - Returns: How many events were missed, and how many came twice.
    private func naive(opensFirst: Bool) async throws -> (missed: Int, repeated: Int) {
        try await withTestStore { store in
            try await FeedTraffic.fill(store, events: TestScale.feedEvents)
            var received = ReceivedEvents()
            let reader = store.tail.reader()
            if opensFirst { try await reader.open() }
            try await FeedTraffic.write(to: store) {
                var last = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
                while true {
                    let page = try await page(after: last, store)
                    for document in page { received.take(document.withBorrowed { JournalHead($0) }) }
                    guard page.count == Self.page, case .binary(let id) = page.last?["_id"] else { break }
                    last = try #require(id.uuid)
                    // A journal of another size takes seconds.
                    try await Task.sleep(for: .milliseconds(20))
                }
                try await reader.open()
                try await Task.sleep(for: .milliseconds(500))
            }
            let mark = try await store.tail.writeMark()
            while true {
                switch try await reader.next() {
                case .change(.event(let event), _): received.take(event.head)
                case .change(.mark(mark.id, _), _):
                    return (received.missed(of: try await FeedTraffic.heads(store)), received.repeated)
                case .change, .idle: continue
                }
            }
        }
    }

    private static let page = 100

    private func page(after last: UUID, _ store: DaybookStore) async throws -> [BSONDocument] {
        let options = FindOptions(sort: [("_id", 1)], limit: Self.page)
        return try await store.client.withConnection(.single) { connection in
            var page: [BSONDocument] = []
            try connection.find(
                ["_id": ["$gt": .binary(BSONBinary(last))]], in: store.journal.namespace, options: options
            ) {
                page.append(BSONDocument($0))
                return true
            }
            return page
        }
    }

    @Test("the first control: a tail that is opened after the scan misses events")
    func tailAfterScan() async throws {
        let (missed, repeated) = try await naive(opensFirst: false)
        #expect(missed > 0)
        #expect(repeated == 0)
    }

    @Test("the second control: a tail that is opened before the scan delivers events twice, without a rule")
    func tailBeforeScan() async throws {
        let (missed, repeated) = try await naive(opensFirst: true)
        #expect(missed == 0)
        #expect(repeated > 0)
    }

    @Test("delivers only what is selected, in the scan and in the tail, and its position advances with the rest")
    func selection() async throws {
        try await withTestStore { store in
            let (accounts, tallies) = (store.repository(Account.self), store.repository(Tally.self))
            func deposit() async throws {
                for key in ["a", "b"] {
                    try await accounts.execute(.deposit(1), on: key)
                    try await tallies.execute(.deposit(1), on: key)
                }
            }
            try await deposit()
            let selection = FeedSelection(types: [Tally.type]) { $0.key == "b" }
            let feed = JournalFeed(of: store.tail, wanting: selection)
            var received = ReceivedEvents()
            var batch = try await feed.next()
            while !batch.isFollowing || received.count < 1 {
                batch = try await feed.next()
                received.take(batch)
            }
            let position = batch.position
            try await accounts.execute(.deposit(1), on: "a")
            while true {
                batch = try await feed.next()
                if batch.position.token != position.token { break }
                #expect(batch.events.isEmpty)
            }
            try await deposit()
            while received.count < 2 {
                batch = try await feed.next()
                received.take(batch)
            }
            #expect(received.versions == ["tally/b": [1, 2]])
            #expect(try #require(batch.time) <= #require(batch.position.time))
            // Strays are for those who want everything.
            _ = try await store.raw.write(["collMod": "journal", "validator": [:], "validationLevel": "off"])
            try await store.raw.insert([["_id": "x"]], into: "journal")
            try await tallies.execute(.deposit(1), on: "b")
            while received.count < 3 { received.take(try await feed.next()) }
            #expect(received.versions == ["tally/b": [1, 2, 3]])
        }
    }

    @Test("a page ends early where its events are large, and the scan continues after it; so does a batch of the tail")
    func largeEvents() async throws {
        try await withTestStore { store in
            let notebooks = store.repository(Notebook.self)
            let text = String(repeating: "x", count: 7 << 20)
            for _ in 0..<2 { try await notebooks.execute(.discard([text, text]), on: "n") }
            let feed = JournalFeed(of: store.tail)
            var received = ReceivedEvents()
            var sizes: [Int] = []
            func read(until count: Int) async throws {
                while received.count < count {
                    let batch = try await feed.next()
                    received.take(batch)
                    sizes.append(batch.events.count)
                }
            }
            try await read(until: 4)
            while try await !feed.next().isFollowing {}
            try await notebooks.execute(.discard([text, text, text, text]), on: "n")
            try await read(until: 8)
            #expect(received.versions == ["notebook/n": Array(1...8)])
            #expect(sizes.max() == 3)
        }
    }

    @Test("a database whose marks were never prepared has a feed all the same")
    func noMarks() async throws {
        try await withTestStore { store in
            _ = try await store.raw.write(["drop": "daybook.marks"])
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            let feed = JournalFeed(of: store.tail)
            var received = ReceivedEvents()
            while received.count < 1 { received.take(try await feed.next()) }
            #expect(try await !store.raw.documents(in: "daybook.marks").isEmpty)
        }
    }

    @Test("what is written in answer to an event has a later id, whatever the clock of the event's writer says")
    func clock() async throws {
        try await withTestStore { store in
            var configuration = store.configuration
            configuration.clock = CommitClock(
                now: { Date().addingTimeInterval(60) }, random: { .random(in: .min ... .max) })
            let cause = try await withDaybook(configuration) { ahead in
                try await ahead.repository(Account.self).execute(.deposit(1), on: "a")
            }
            let feed = JournalFeed(of: store.tail)
            while try await feed.next().events.isEmpty {}
            let effect = try await store.repository(Account.self).execute(.deposit(1), on: "b")
            let (before, after) = (EventID(try #require(cause?.id)), EventID(try #require(effect?.id)))
            #expect(before.milliseconds <= after.milliseconds)
        }
    }
}
