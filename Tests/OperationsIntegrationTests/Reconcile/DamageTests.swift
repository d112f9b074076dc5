@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// Ways in which a journal can be damaged by hand, each with how it is to be reported.
private struct Damage {
    var key: String
    var kind: Finding.Kind
    /// The last version that is not in doubt.
    var version: Int64?
    /// Part of the reason.
    var reason: String
    /// Does it to the aggregate `account/<key>`, which has four events.
    var apply: @Sendable (DaybookStore, _ id: String) async throws -> Void

    static let all: [Damage] = [
        Damage(key: "gap-one", kind: .gap, version: 2, reason: "version 3 is not there") { store, id in
            try await store.raw.delete(["aggregateId": .string(id), "version": 3], from: "journal")
        },
        Damage(key: "gap-two", kind: .gap, version: 1, reason: "versions 2 to 3 are not there") { store, id in
            for version in [2, 3] as [Int64] {
                try await store.raw.delete(["aggregateId": .string(id), "version": .int64(version)], from: "journal")
            }
        },
        Damage(key: "gap-first", kind: .gap, version: 0, reason: "version 1 is not there") { store, id in
            try await store.raw.delete(["aggregateId": .string(id), "version": 1], from: "journal")
        },
        Damage(key: "restored-twice", kind: .gap, version: 2, reason: "version 2 is there twice") { store, id in
            for version in [2, 3] as [Int64] {
                let event = try await ReconcileFixture.event(id, version, in: store)
                try await store.raw.insert([event.setting("_id", to: .binary(BSONBinary(UUID())))], into: "journal")
            }
        },
        Damage(key: "appended-again", kind: .gap, version: 4, reason: "was recorded before event 4") { store, id in
            for version in [1, 2, 3] as [Int64] {
                let event = try await ReconcileFixture.event(id, version, in: store)
                let again = try event.setting("_id", to: .binary(BSONBinary(UUID()))).setting(
                    "version", to: .int64(version + 4))
                try await store.raw.insert([again], into: "journal")
            }
        },
        Damage(key: "same-ids", kind: .gap, version: 4, reason: "was recorded before event 4") { store, id in
            // Its time is later, but its id is from before.
            let last = try await ReconcileFixture.event(id, 4, in: store)
            guard case .binary(let earlier) = try await ReconcileFixture.event(id, 2, in: store)["_id"] else {
                throw RawDatabase.NoMatch()
            }
            var bytes = earlier.bytes
            bytes[15] ^= 1
            let forged = try last.setting("_id", to: .binary(BSONBinary(subtype: .uuid, bytes: bytes))).setting(
                "version", to: 5)
            try await store.raw.insert([forged], into: "journal")
        },
        Damage(key: "unknown-type", kind: .unreadable, version: 2, reason: "teleported") { store, id in
            try await store.raw.update(
                ["aggregateId": .string(id), "version": 3], with: ["$set": ["type": "teleported"]], in: "journal")
        },
        Damage(key: "payload", kind: .unreadable, version: 1, reason: "amount") { store, id in
            try await store.raw.update(
                ["aggregateId": .string(id), "version": 2], with: ["$set": ["data": ["amount": "much"]]], in: "journal")
        },
        Damage(key: "newer-schema", kind: .unreadable, version: 3, reason: "schema") { store, id in
            try await store.raw.update(
                ["aggregateId": .string(id), "version": 4], with: ["$set": ["schema": .int32(9)]], in: "journal")
        },
        Damage(key: "version-double", kind: .unreadable, version: 2, reason: "version is not an integer") { store, id in
            try await store.raw.update(
                ["aggregateId": .string(id), "version": 3], with: ["$set": ["version": .double(3)]], in: "journal")
        },
        Damage(key: "version-text", kind: .unreadable, version: 3, reason: "version is not an integer") { store, id in
            try await store.raw.update(
                ["aggregateId": .string(id), "version": 4], with: ["$set": ["version": "4"]], in: "journal")
        },
        Damage(key: "no-time", kind: .unreadable, version: 0, reason: "recordedAt") { store, id in
            try await store.raw.update(
                ["aggregateId": .string(id), "version": 1], with: ["$unset": ["recordedAt": ""]], in: "journal")
        },
        Damage(key: "data-text", kind: .unreadable, version: 2, reason: "data") { store, id in
            try await store.raw.update(
                ["aggregateId": .string(id), "version": 3], with: ["$set": ["data": "gone"]], in: "journal")
        },
    ]
}

@Suite("A damaged journal", .serialized, .timeLimit(.minutes(3)))
struct DamageTests {
    /// Accounts of which some are damaged, some drifted, and some as they should be.
    private func withDamage(_ body: (DaybookStore, _ before: [String: BSONDocument]) async throws -> Void) async throws
    {
        try await ReconcileFixture.withStore { store in
            let damages = Damage.all
            try await ReconcileFixture.seed(Account.self, count: 4 * damages.count, in: store) { number in
                number % 4 == 3 ? damages[number / 4].key : "h-\(number)"
            }
            let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            try await ReconcileFixture.takeAnyEvent(in: store)
            for damage in damages { try await damage.apply(store, "account/\(damage.key)") }
            // What nobody can say is left, so it must not be right already.
            for key in ["payload", "gap-one"] {
                try await store.raw.update(
                    ["_id": .string("account/\(key)")], with: ["$set": ["state.balance": -7]], in: "snapshots.account")
            }
            try await store.raw.delete(["_id": "account/unknown-type"], from: "snapshots.account")
            // Drift between the damage.
            try await store.raw.delete(["_id": "account/h-0"], from: "snapshots.account")
            try await store.raw.update(
                ["_id": "account/h-13"], with: ["$set": ["state.balance": -1]], in: "snapshots.account")
            try await store.raw.update(
                ["_id": "account/h-22"], with: ["$set": ["version": 40]], in: "snapshots.account")
            try await body(store, before)
        }
    }

    private var wanted: [String: [Finding.Kind]] {
        Dictionary(uniqueKeysWithValues: Damage.all.map { ("account/\($0.key)", [$0.kind]) })
    }

    private func expect(_ report: ReconcileReport, sourceLocation: SourceLocation = #_sourceLocation) {
        for damage in Damage.all {
            let finding = report.findings.first { $0.aggregateID == "account/\(damage.key)" }
            #expect(
                finding?.kind == damage.kind, "\(damage.key): \(finding?.detail ?? "")", sourceLocation: sourceLocation)
            let version = damage.version.flatMap { $0 > 0 ? $0 : nil }
            #expect(finding?.journalVersion == version, "\(damage.key)", sourceLocation: sourceLocation)
            #expect(
                finding?.detail.contains(damage.reason) == true, "\(damage.key): \(finding?.detail ?? "")",
                sourceLocation: sourceLocation)
            #expect(
                finding?.detail.contains("much") == false, "what a document holds is not shown",
                sourceLocation: sourceLocation)
        }
    }

    @Test("is reported with aggregate, version and reason, and everything else is repaired", arguments: [1, 4])
    func patch(workers: Int) async throws {
        try await withDamage { store, before in
            var options = ReconcileOptions()
            (options.types, options.workers) = ([Account.type], workers)
            let drift: [String: [Finding.Kind]] = [
                "account/h-0": [.missing], "account/h-13": [.diverged], "account/h-22": [.ahead],
            ]
            let verified = try await store.verify(options)
            expect(verified)
            #expect(verified.kinds == wanted.merging(drift) { $1 })

            let damaged = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let patched = try await store.patch(options)
            expect(patched)
            #expect(patched.kinds == verified.kinds)
            #expect((patched.written, patched.unrepaired) == (3, Damage.all.count))
            try await expectLeft(store, before, damaged)
            #expect(try await store.verify(options).kinds == wanted)
            let rebuilt = try await store.rebuild(options)
            expect(rebuilt)
            #expect((rebuilt.written, rebuilt.unrepaired) == (0, Damage.all.count))
            try await expectLeft(store, before, damaged)
        }
    }

    @Test("a swap takes the snapshots of damaged aggregates over as they are")
    func swap() async throws {
        try await withDamage { store, before in
            var options = ReconcileOptions()
            options.types = [Account.type]
            let damaged = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let report = try await store.rebuild(options, swap: true)
            expect(report)
            #expect(report.unrepaired == Damage.all.count)
            try await expectLeft(store, before, damaged)
            #expect(try await store.verify(options).kinds == wanted)
        }
    }

    private func expectLeft(_ store: DaybookStore, _ before: [String: BSONDocument], _ damaged: [String: BSONDocument])
        async throws
    {
        let ids = Set(Damage.all.map { "account/\($0.key)" })
        let after = try await ReconcileFixture.snapshots(of: Account.self, in: store)
        #expect(after.filter { ids.contains($0.key) } == damaged.filter { ids.contains($0.key) })
        #expect(after.filter { !ids.contains($0.key) } == before.filter { !ids.contains($0.key) })
    }

    @Test("ids that are none, among them one with a control character, are reported, and their snapshots left")
    func ids() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 5, in: store)
            try await ReconcileFixture.takeAnyEvent(in: store)
            let event = try await ReconcileFixture.event("account/\(ReconcileFixture.key(0))", 1, in: store)
            let wrong = [
                "account/a\u{1}b", "account/", "account/e\u{301}", "account/" + String(repeating: "k", count: 300),
            ]
            for id in wrong {
                let forged = try event.setting("_id", to: .binary(BSONBinary(UUID()))).setting(
                    "aggregateId", to: .string(id))
                try await store.raw.insert([forged], into: "journal")
                try await store.raw.insert([["_id": .string(id), "version": 1]], into: "snapshots.account")
            }
            let before = try await store.raw.contents()["snapshots.account"]
            for report in [
                try await store.verify(), try await store.patch(), try await store.rebuild(),
                try await store.rebuild(swap: true),
            ] {
                #expect(Set(report.findings.map(\.aggregateID)) == Set(wrong))
                #expect(
                    report.findings.allSatisfy {
                        $0.kind == .unreadable && $0.detail.contains("cannot be an aggregate's id")
                    })
                #expect(report.written == 0 || report.written == 5)
            }
            #expect(try await store.raw.contents()["snapshots.account"] == before)
        }
    }

    @Test("types in the journal that the program does not know are named, and nothing of theirs is touched")
    func unknownTypes() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 3, in: store)
            try await ReconcileFixture.takeAnyEvent(in: store)
            let event = try await ReconcileFixture.event("account/\(ReconcileFixture.key(0))", 1, in: store)
            for id in ["aaa/1", "account-x/1", "zebra/1", "zebra/2", "nothing"] {
                let forged = try event.setting("_id", to: .binary(BSONBinary(UUID()))).setting(
                    "aggregateId", to: .string(id))
                try await store.raw.insert([forged], into: "journal")
            }
            try await store.raw.insert([["_id": "zebra/1"], ["_id": "zebra/9"]], into: "snapshots.zebra")
            let before = try await store.raw.contents()
            for report in [try await store.verify(), try await store.verify(depth: .quick), try await store.patch()] {
                #expect(report.unknownTypes == ["aaa", "account-x", "nothing", "zebra"])
                #expect(report.isClean)
                #expect(report.checked == 3)
            }
            #expect(try await store.raw.contents()["snapshots.zebra"] == before["snapshots.zebra"])
            var accounts = ReconcileOptions()
            accounts.types = [Account.type]
            #expect(try await store.verify(accounts).unknownTypes.isEmpty, "it was not asked for more")
        }
    }
}
