import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

/// Notes what it is given. A transaction that is tried again notes it again.
private struct Noting: PostedHandler {
    let noted = Recorder<String>()
    let indexes: [IndexModel]? = nil

    func handle(
        _ events: [StoredEvent], in storage: SubscriptionStorage, on connection: isolated MongoConnection
    ) async throws {
        for event in events { noted.record("\(event.aggregateID.key)/\(event.version)") }
    }
}

@Suite("The comparison of postings with the journal", .serialized, .timeLimit(.minutes(5)))
struct PostingAuditTests {
    private static let name: SubscriptionName = "noting"
    private static let postings = "daybook.postings.noting"

    /// A store with 60 accounts of five events, all of which were handled.
    private func withPostings(
        _ body: (DaybookStore, _ noting: Recorder<String>) async throws -> Void
    ) async throws {
        let handler = Noting()
        let subscription = Subscription(posted: Self.name, .handler, of: [Account.type], by: handler)
        try await withTestStore(for: [Account.self, Tally.self], subscriptions: [subscription]) { store in
            try await store.deposit(300, on: 60)
            try await store.repository(Tally.self).execute(.deposit(1), on: "other")
            try await runUntilPosted(store, of: Self.name)
            #expect(Set(handler.noted.all).count == 300)
            #expect(try await store.subscriptions.verify().map(\.total) == [0])
            try await body(store, handler.noted)
        }
    }

    private func events(of keys: Range<Int>, after version: Int = 0) -> Set<String> {
        Set(keys.flatMap { key in (version + 1...5).map { "k-\(key)/\($0)" } })
    }

    @Test(
        "G14: names exactly the postings that were deleted, raised and added by hand, and patch delivers what is missing"
    )
    func damaged() async throws {
        try await withPostings { store, noted in
            for key in 0..<10 { try await store.raw.delete(["_id": .string("account/k-\(key)")], from: Self.postings) }
            for key in 10..<15 {
                try await store.raw.update(
                    ["_id": .string("account/k-\(key)")], with: ["$set": ["version": .int64(6)]], in: Self.postings)
            }
            // Of an aggregate that is not there, of a type that it is not about, and no aggregate.
            for id in ["account/none", "tally/other", "nonsense"] {
                try await store.raw.insert([["_id": .string(id), "version": .int64(1)]], into: Self.postings)
            }
            try await store.raw.insert([["_id": .int32(7), "version": .int64(1)]], into: Self.postings)
            var expected: [String: PostingFinding.Kind] = [
                "account/none": .orphan, "tally/other": .orphan, "nonsense": .orphan, "7": .orphan,
            ]
            for key in 0..<10 { expected["account/k-\(key)"] = .behind }
            for key in 10..<15 { expected["account/k-\(key)"] = .ahead }

            func check(_ report: SubscriptionReport, delivered: Int, unrepaired: Int) {
                #expect(Dictionary(uniqueKeysWithValues: report.findings.map { ($0.aggregateID, $0.kind) }) == expected)
                #expect(report.total == expected.count && report.events == 300)
                #expect(report.delivered == delivered && report.unrepaired == unrepaired)
            }
            let before = noted.all.count
            check(try #require(try await store.subscriptions.verify().first), delivered: 0, unrepaired: 0)
            let dry = try await store.subscriptions.patch(reason: tester, isDryRun: true)
            check(try #require(dry.first), delivered: 0, unrepaired: 9)
            #expect(noted.all.count == before)

            check(try #require(try await store.subscriptions.patch(reason: tester).first), delivered: 50, unrepaired: 9)
            #expect(Set(noted.all[before...]) == events(of: 0..<10))
            #expect(noted.all.count == before + 50)
            let changes = try await store.subscriptions.show(Self.name).changes
            #expect(changes.map(\.what) == ["patch, 50 delivered"] && changes.map(\.by) == [tester.by])
            for key in 0..<10 { expected["account/k-\(key)"] = nil }
            check(try #require(try await store.subscriptions.verify().first), delivered: 0, unrepaired: 0)
        }
    }

    @Test("delivers nothing to a subscription that an operator has paused, and says who did it")
    func paused() async throws {
        try await withPostings { store, noted in
            try await store.raw.delete(["_id": "account/k-7"], from: Self.postings)
            try await store.subscriptions.pause(Self.name, .init(by: "anna", why: "migration"))
            let before = noted.all.count
            #expect(try await store.subscriptions.patch(reason: tester, isDryRun: true).map(\.total) == [1])
            let error = await #expect(throws: DaybookError.self) {
                try await store.subscriptions.patch(reason: tester)
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("paused by anna: migration") == true)
            #expect(noted.all.count == before)
            try await store.subscriptions.resume(Self.name, .init(by: "anna", why: "done"))
            #expect(try await store.subscriptions.patch(reason: tester).map(\.delivered) == [5])
        }
    }

    @Test("G14: a service compares at its start, and delivers what was missed, though the feed has passed it")
    func atStart() async throws {
        try await withPostings { store, noted in
            let before = noted.all.count
            try await store.raw.delete(["_id": "account/k-7"], from: Self.postings)
            try await store.raw.update(
                ["_id": "account/k-8"], with: ["$set": ["version": .int64(3)]], in: Self.postings)
            try await runUntilPosted(store, of: Self.name)
            #expect(Set(noted.all[before...]) == events(of: 7..<8).union(events(of: 8..<9, after: 3)))
        }
    }

    @Test("G14: an event of whose aggregate earlier ones were missed is handled after these")
    func gap() async throws {
        try await withPostings { store, noted in
            try await running(store) { _ in
                // Its audit of the start is over: what is damaged from now on, the feed alone finds.
                try await Task.sleep(for: .seconds(3))
                let before = noted.all.count
                try await store.raw.update(
                    ["_id": "account/k-9"], with: ["$set": ["version": .int64(2)]], in: Self.postings)
                try await store.repository(Account.self).execute(.deposit(1), on: "k-9")
                #expect(try await store.isPosted(Self.name))
                #expect(noted.all[before...].map { $0 } == (3...6).map { "k-9/\($0)" })
            }
        }
    }

    @Test("finds nothing beside writers and a service")
    func besideWriters() async throws {
        try await withPostings { store, _ in
            try await running(store) { _ in
                // Without a process that delivers, what writers commit is behind.
                let isRun = try await eventually("the service has begun") {
                    try await !store.subscriptions.show(Self.name).holders.isEmpty
                }
                #expect(isRun)
                try await store.besideWriters(on: 60, pausing: .milliseconds(20)) {
                    for _ in 0..<5 {
                        let reports = try await store.subscriptions.verify()
                        #expect(reports.map(\.findings) == [[]])
                    }
                }
            }
        }
    }
}
