@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("Repairs beside writers on the same aggregates", .serialized, .timeLimit(.minutes(5)))
struct RepairBesideWritersTests {
    @Test("G9: patch loses nothing of theirs, and they nothing of its; G8: verify is clean in the end")
    func patch() async throws {
        try await beside { store in
            let report = try await store.patch()
            #expect(report.unrepaired == 0)
        }
    }

    @Test("G9: so does a rebuild")
    func rebuild() async throws {
        try await beside { store in
            let report = try await store.rebuild()
            #expect(report.unrepaired == 0)
        }
    }

    private func beside(_ repair: @escaping @Sendable (DaybookStore) async throws -> Void) async throws {
        try await ReconcileFixture.withStore { store in
            let keys = (0..<6).map(ReconcileFixture.key)
            try await ReconcileFixture.seed(Account.self, count: keys.count, in: store)
            try await ReconcileFixture.seed(Tally.self, count: keys.count, in: store)
            let traffic = LiveTraffic(store)
            // The repair is another process, as it is in production.
            let rounds = try await ReconcileFixture.withAnother(on: store) { administration in
                try await traffic.beside(writers: 4, readers: 0, keys: keys) {
                    let end = ContinuousClock.now + .seconds(TestScale.seconds)
                    var rounds = 0
                    while ContinuousClock.now < end {
                        try await damage(store, "\(keys.randomElement() ?? "")", rounds)
                        try await repair(administration)
                        rounds += 1
                    }
                    return rounds
                }
            }
            #expect(rounds > 1)
            #expect(traffic.commits > 20)
            _ = try await store.patch()
            try await traffic.expectNothingLost()
            let report = try await store.verify()
            #expect(report.isClean, "\(report.findings)")
        }
    }

    /// What somebody in a shell does in the midst of it.
    private func damage(_ store: DaybookStore, _ key: String, _ round: Int) async throws {
        for type in ["account", "tally"] {
            let (selector, collection): (BSONDocument, String) = (
                ["_id": .string("\(type)/\(key)")], "snapshots.\(type)"
            )
            switch round % 4 {
            // It may be gone already, or change at this moment: whatever comes of it is to be put right.
            case 0: try? await store.raw.delete(selector, from: collection)
            case 1: try? await store.raw.update(selector, with: ["$set": ["state.balance": -1]], in: collection)
            case 2: try? await store.raw.update(selector, with: ["$inc": ["version": 1_000]], in: collection)
            default: try? await store.raw.update(selector, with: ["$unset": ["digest": ""]], in: collection)
            }
        }
    }

    @Test(
        "verify reports nothing that is only under way, however often it looks", arguments: [VerifyDepth.full, .quick])
    func verify(depth: VerifyDepth) async throws {
        try await ReconcileFixture.withStore { store in
            let keys = (0..<8).map(ReconcileFixture.key)
            try await ReconcileFixture.seed(Account.self, count: keys.count, in: store)
            try await ReconcileFixture.seed(Tally.self, count: keys.count, in: store)
            let traffic = LiveTraffic(store)
            let looks = try await ReconcileFixture.withAnother(on: store) { other in
                try await traffic.beside(writers: 4, readers: 0, keys: keys) {
                    let end = ContinuousClock.now + .seconds(TestScale.seconds)
                    var looks = 0
                    while ContinuousClock.now < end {
                        let report = try await other.verify(depth: depth)
                        #expect(report.isClean, "\(report.findings)")
                        #expect(report.checked == 2 * keys.count)
                        looks += 1
                    }
                    return looks
                }
            }
            #expect(looks > 1)
            #expect(traffic.commits > 20)
            #expect(try await store.verify().isClean)
        }
    }
}
