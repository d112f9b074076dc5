@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import IntegrationSupport
import Testing

/// Right after an election the new primary's majority may not have yet what a change stream has shown from the old one:
/// a read by the event's id or aggregate does not find it, for a moment.
///
/// https://www.mongodb.com/docs/manual/core/read-isolation-consistency-recency/
@Suite("A new primary that does not show yet what a stream has shown", .timeLimit(.minutes(2)))
struct LaggingMajorityTests {
    @Test("tail --follow gives the event when it is shown")
    func tail() async throws {
        try await withMongos { store, mongos, proxy, _ in
            let others = try store.withoutProxy()
            let seen = Recorder<Int64?>()
            let reader = Task {
                for try await case .event(let entry) in store.tail(10, isFollowing: true) {
                    seen.record(entry.document.integer(at: "data.amount"))
                }
            }
            try #require(await eventually("it has the last one") { seen.all == [1] })
            mongos.hide(["aggregateId": "account/b"], in: "journal")
            proxy.forget()
            try await others.repository(Account.self).execute(.depositEach([2, 3]), on: "b")
            try #require(await eventually("it looks for the event") { proxy.count("find") >= 3 })
            #expect(seen.all == [1])
            mongos.show()
            try #require(await eventually("both have come") { seen.all.count == 3 })
            #expect(seen.all == [1, 2, 3])
            reader.cancel()
            _ = await reader.result
            await others.close()
        }
    }

    @Test("the projector does not note its place before it has caught up the event")
    func projector() async throws {
        try await withMongos { store, mongos, proxy, fixture in
            let runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
            let run = Task { try await runner.run() }
            let hasBegun = try await eventually("its place is noted", within: .seconds(30)) {
                try await fixture.documents(in: "daybook.checkpoints").contains { $0["token"] != nil }
            }
            #expect(hasBegun)
            mongos.hide(["aggregateId": "tally/x"], in: "journal")
            let others = try store.withoutProxy()
            _ = try await others.repository(AbandonedTally.self).execute(.deposit(5), on: "x")
            proxy.forget()
            let looks = await eventually("it looks at the aggregate, again and again") {
                proxy.exchanges.count { $0.request["find"] == "journal" } >= 6
            }
            #expect(looks)
            #expect(try await !others.isCaughtUp("x", Tally.self))
            mongos.show()
            let isCaughtUp = try await eventually("it is caught up", within: .seconds(20)) {
                try await others.isCaughtUp("x", Tally.self)
            }
            #expect(isCaughtUp)
            run.cancel()
            try await run.value
            await others.close()
        }
    }

    @Test("G2: an async commit that the majority does not show yet is not decided again")
    func groupCommit() async throws {
        try await withMongos { store, mongos, proxy, fixture in
            mongos.hide(["aggregateId": "tally/y"], in: "journal")
            // The driver's own second sending too: then the documents are sent again, and the journal's index refuses
            // them.
            proxy.fail("insert", .dropReply, times: 2)
            proxy.forget()
            let commit = Task { try await store.repository(Tally.self).execute(.deposit(5), on: "y") }
            let looks = await eventually("it looks for its event, again and again") {
                proxy.exchanges.count { $0.request["find"] == "journal" } >= 6
            }
            #expect(looks)
            mongos.show()
            let done = try await commit.value
            #expect(done?.versions == 1...1)
            let events = try await fixture.journal().filter { $0.aggregateID == "tally/y" }
            #expect(events.map(\.amount) == [5])
        }
    }
}
