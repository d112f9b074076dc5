@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite(.serialized) struct FindingTests {
    @Test(
        "of many snapshots exactly the drifted ones are found, each by its kind, and put right; G8: verify is clean then"
    )
    func manyKinds() async throws {
        try await ReconcileFixture.withStore { store in
            let count = TestScale.snapshots
            try await ReconcileFixture.seed(Account.self, count: count, in: store)
            let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            #expect(before.count == count)
            #expect(try await store.verify().isClean)

            var wanted: [String: Finding.Kind] = [:]
            func id(_ number: Int) -> String { "account/\(ReconcileFixture.key(number))" }
            for number in [3, 8, count / 2, count - 2, count - 1] {
                try await store.raw.update(
                    ["_id": .string(id(number))], with: ["$set": ["state.balance": 1]], in: "snapshots.account")
                wanted[id(number)] = .diverged
            }
            for number in [0, 17, count - 5] {
                try await store.raw.delete(["_id": .string(id(number))], from: "snapshots.account")
                wanted[id(number)] = .missing
            }
            for orphan in ["account/0-first", "account/zz-last"] {
                let some = try #require(before[id(1)])
                try await store.raw.put(try some.setting("_id", to: .string(orphan)), into: "snapshots.account")
                wanted[orphan] = .orphan
            }
            for number in [11, 23] {
                let id = try AggregateID(Account.self.type, key: ReconcileFixture.key(number))
                let old = try await store.client.withConnection(.single) {
                    try store.repository(Account.self).loader.load(id, at: 2, on: $0).stored()?.document()
                }
                try await store.raw.put(try #require(old), into: "snapshots.account")
                wanted[id.rawValue] = .stale
            }
            try await store.raw.update(
                ["_id": .string(id(30))], with: ["$set": ["version": 9]], in: "snapshots.account")
            wanted[id(30)] = .ahead
            try await store.raw.update(
                ["_id": .string(id(31))], with: ["$set": ["stateSchema": .int32(0)]], in: "snapshots.account")
            wanted[id(31)] = .outdated

            let report = try await store.verify()
            #expect(Dictionary(uniqueKeysWithValues: report.findings.map { ($0.aggregateID, $0.kind) }) == wanted)
            #expect(report.checked == count + 2)
            #expect(report.counts == [.diverged: 5, .missing: 3, .orphan: 2, .stale: 2, .ahead: 1, .outdated: 1])
            let edited = try #require(report.findings.first { $0.aggregateID == id(8) })
            #expect(edited.differences == [.init(path: "state.balance", stored: 1, expected: 9)])

            let patched = try await store.patch()
            #expect(patched.counts == report.counts)
            #expect(patched.written == 14)
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == before)
            #expect(try await store.verify().isClean)
        }
    }
}
