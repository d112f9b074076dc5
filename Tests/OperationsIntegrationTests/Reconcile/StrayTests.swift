@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("Documents among the snapshots that are no aggregate's", .serialized, .timeLimit(.minutes(5)))
struct StrayTests {
    /// Ids of every type that one can have, before and after those of the type `account` in the order of the index.
    private static let ids: [BSONValue] =
        [BSONObjectID(bytes: Array(1...12))].compactMap { $0.map { .objectID($0) } } + [
            1, .double(2.5), .int64(3), true, .datetime(BSONDate(milliseconds: 4)), ["k": 5],
            .binary(BSONBinary(UUID())),
            "", "account", "account.", "account0", "accounts/1", "b/1", "aaa", "tally/1", "~",
        ]

    @Test(
        "are found whatever their ids are, by the index alone, and deleted by patch; what stands among the ids of the type is left"
    )
    func types() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 30, in: store)
            let right = try await store.raw.documents(in: "snapshots.account")
            try await store.raw.insert(Self.ids.map { ["_id": $0, "version": 1] }, into: "snapshots.account")
            var options = ReconcileOptions()
            options.types = [Account.type]
            let accounts = options
            let report = try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                let report = try await watched.verify(accounts)
                let looks = proxy.exchanges.filter {
                    $0.request["find"] == "snapshots.account" && $0.request["hint"] != nil
                }
                #expect(looks.count >= 2 && looks.allSatisfy { $0.request["min"] != nil || $0.request["max"] != nil })
                return report
            }
            #expect(report.counts == [.orphan: Self.ids.count])
            #expect(Set(report.findings.map(\.aggregateID)).count == Self.ids.count)
            #expect(try await store.patch(accounts).written == Self.ids.count)
            #expect(try await store.raw.documents(in: "snapshots.account") == right)
            #expect(try await store.verify().isClean)
        }
    }

    @Test("are all counted, and all deleted, also where there are more than a report keeps")
    func many() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 3, in: store)
            let count = ReconcileReport.maximumFindings + 700
            for start in stride(from: 0, to: count, by: 2_000) {
                let numbers = start..<min(start + 2_000, count)
                try await store.raw.insert(
                    numbers.map { ["_id": .string("\($0 % 2 == 0 ? "a" : "z")-\($0)")] }, into: "snapshots.account")
            }
            let report = try await store.verify()
            #expect(report.counts == [.orphan: count])
            #expect(report.findings.count == ReconcileReport.maximumFindings && report.omitted == 700)
            #expect(try await store.patch().written == count)
            #expect(try await store.verify().isClean)
        }
    }

    @Test("are deleted, and reported as what they are, also where the answer to that is lost, or one goes before")
    func unanswered() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 3, in: store)
            let right = try await store.raw.documents(in: "snapshots.account")
            // All of them after the ids of the type, so that they are read together.
            let ids: [BSONValue] = ["b/1", "c/2", "z"]
            for faults in [2, 0] {
                try await store.raw.insert(ids.map { ["_id": $0, "version": 1] }, into: "snapshots.account")
                try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                    // libmongoc sends a write once more by itself.
                    if faults > 0 {
                        proxy.fail("delete", .dropReply, times: faults)
                    } else {
                        proxy.fail("delete", .hold)
                    }
                    let patch = Task { try await watched.patch() }
                    if faults == 0 {
                        #expect(await eventually("it is about to delete") { proxy.held == 1 })
                        try await store.raw.delete(["_id": "z"], from: "snapshots.account")
                        await proxy.release()
                    }
                    let report = try await patch.value
                    #expect(report.counts == [.orphan: 3], "\(report.findings)")
                    #expect(report.unrepaired == 0)
                }
                #expect(try await store.raw.documents(in: "snapshots.account") == right)
            }
            #expect(try await store.verify().isClean)
        }
    }
}
