import Daybook
import DaybookBSON
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

@Suite("projections verify and patch", .serialized, .timeLimit(.minutes(5)))
struct ProjectionVerifyTests {
    private static let collection = "views.arrivals"

    @Test("find each document that was edited, set back, deleted or added by hand, beside a service, and repair it")
    func damaged() async throws {
        try await withArrivals { store in
            try await store.deposit(200, on: 20)
            try await running(store) { _ in
                #expect(try await store.isPosted())
                let clean = try await store.raw.documents(in: Self.collection)
                try await asOperator(of: store) { admin in
                    #expect(try await admin.projections.verify().map(\.total) == [0])
                    try await store.raw.update(["_id": "k-1"], with: ["$set": ["state.sum": 1]], in: Self.collection)
                    try await store.raw.update(
                        ["_id": "k-2"], with: ["$set": ["events": .int64(3)]], in: Self.collection)
                    try await store.raw.update(["_id": "k-3"], with: ["$set": ["note": "mine"]], in: Self.collection)
                    try await store.raw.delete(["_id": "k-4"], from: Self.collection)
                    try await store.raw.insert(
                        [["_id": "a-0", "state": [:], "events": .int64(1)]], into: Self.collection)
                    try await store.raw.insert([["_id": 7]], into: Self.collection)

                    let expected: [String: ProjectionFinding.Kind] = [
                        "k-1": .different, "k-2": .behind, "k-3": .different, "k-4": .missing, "a-0": .orphan,
                        "7": .orphan,
                    ]
                    let report = try #require(try await admin.projections.verify().first)
                    #expect(
                        Dictionary(uniqueKeysWithValues: report.findings.map { ($0.key, $0.kind) }) == expected)
                    #expect(report.total == 6 && !report.isReplaced)
                    #expect(report.events == 200)
                    let differences = Dictionary(
                        uniqueKeysWithValues: report.findings.map { ($0.key, $0.differences.map(\.path)) })
                    #expect(differences["k-1"] == ["state.sum"] && differences["k-3"] == ["note"])
                    #expect(report.findings.first { $0.key == "k-1" }?.differences.first?.stored == "1")

                    let patch = try #require(try await admin.projections.patch(reason: tester).first)
                    #expect(patch.total == 6 && patch.isReplaced)
                    let runs = try await admin.runs()
                    #expect(runs.map(\.kind) == [.patch] && runs.map(\.status) == [.done], "verify makes none")
                    #expect(runs.map(\.events) == [200] && runs.map(\.checked) == [patch.checked])
                    #expect(runs.map(\.written) == [clean.count] && runs.map(\.by) == ["ada"])
                    let changes = try await admin.subscriptions.show(Arrivals.name).changes
                    #expect(changes.map { [$0.what, $0.by, $0.why] } == [["patch", "ada", "support case 7"]])
                    #expect(Set(try await store.raw.documents(in: Self.collection)) == Set(clean))
                    #expect(try await admin.projections.verify().map(\.total) == [0])
                }
                let commit = try #require(try await store.repository(Account.self).execute(.deposit(1), on: "k-4"))
                try await store.view(Arrivals.self).wait(for: commit, timeout: .seconds(30))
            }
            try await store.expectExactArrivals()
            #expect(try await store.raw.contents().filter { $0.key.hasSuffix(".build") && !$0.value.isEmpty }.isEmpty)
        }
    }

    @Test("find nothing beside writers, though documents change all the time")
    func besideWriters() async throws {
        try await withArrivals { store in
            try await store.deposit(1_000, on: 20)
            try await running(store) { _ in
                #expect(try await store.isPosted())
                try await asOperator(of: store) { admin in
                    try await store.besideWriters(on: 20, pausing: .milliseconds(40), holding: false) {
                        for _ in 0..<2 {
                            let report = try #require(try await admin.projections.verify().first)
                            #expect(report.findings.isEmpty, "\(report.findings)")
                            #expect(report.checked >= 30)
                        }
                    }
                }
                #expect(try await store.isPosted())
            }
            try await store.expectExactArrivals()
        }
    }
}
