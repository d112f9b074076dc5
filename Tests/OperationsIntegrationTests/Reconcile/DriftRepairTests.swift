@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import IntegrationSupport
import Testing

@Suite("Patch", .serialized, .timeLimit(.minutes(3)))
struct DriftRepairTests {
    private func kind(of drift: Drift) -> Finding.Kind? {
        switch drift {
        case .none: nil
        case .deleted: .missing
        case .ahead, .aheadByOne: .ahead
        case .outdated: .outdated
        // The one behind has the times of a later event, so it is not what the journal says at its version.
        default: .diverged
        }
    }

    @Test(
        "G8: whatever somebody did to a snapshot, it is named, and put right to the byte of a replay, and nothing else is touched"
    )
    func inline() async throws {
        try await everyDrift(of: Account.self)
    }

    @Test("G8: the same where snapshots are written behind the commits")
    func asynchronous() async throws {
        try await everyDrift(of: Tally.self)
    }

    private func everyDrift<A: Ledger>(of aggregate: A.Type) async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(A.self, count: 4, in: store) { $0 == 3 ? "a" : "k-\($0)" }
            var options = ReconcileOptions()
            (options.types, options.workers) = ([A.type], 1)
            for drift in Drift.allCases {
                try await drift.apply(to: store, of: A.self)
                let expected = try await store.replayed("a", A.self)
                var others = try await ReconcileFixture.snapshots(of: A.self, in: store)
                others["\(A.type)/a"] = nil
                let report = try await store.patch(options)
                #expect(report.findings.map(\.aggregateID) == (drift == .none ? [] : ["\(A.type)/a"]), "\(drift)")
                #expect(report.findings.first?.kind == kind(of: drift), "\(drift)")
                #expect(report.written == (drift == .none ? 0 : 1), "\(drift)")
                #expect(report.unrepaired == 0, "\(drift)")
                var after = try await ReconcileFixture.snapshots(of: A.self, in: store)
                #expect(after.removeValue(forKey: "\(A.type)/a") == expected, "\(drift)")
                #expect(after == others, "\(drift)")
            }
            #expect(try await store.verify(options).isClean)
        }
    }

    @Test("sends the server one write for each drifted snapshot, guarded by version and digest, and none for another")
    func countedWrites() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 60, in: store)
            let before = try await ReconcileFixture.snapshots(of: Account.self, in: store)
            let ids = before.keys.sorted()
            for id in ids[3...5] {
                try await store.raw.update(
                    ["_id": .string(id)], with: ["$set": ["state.balance": -1]], in: "snapshots.account")
            }
            for id in ids[10...11] { try await store.raw.delete(["_id": .string(id)], from: "snapshots.account") }
            try await store.raw.update(
                ["_id": .string(ids[20])], with: ["$set": ["version": 50]], in: "snapshots.account")
            try await store.raw.put(
                before[ids[1]]?.setting("_id", to: "account/nobody") ?? [:], into: "snapshots.account")

            try await ReconcileFixture.withWatched(on: store) { watched, proxy in
                let report = try await watched.patch()
                #expect(report.written == 7)
                let writes = proxy.snapshotWrites
                #expect(writes.count == 7)
                #expect(writes.allSatisfy { $0.collection == "snapshots.account" })
                var touched = writes.filter { $0.command == "insert" }.compactMap { $0.statement.string(at: "_id") }
                #expect(touched.sorted() == Array(ids[10...11]))
                for write in writes where write.command != "insert" {
                    for key in ["_id", "version", "digest"] {
                        #expect(write.statement.value(at: "q.\(key)") != nil, "\(write)")
                    }
                    touched.append(try #require(write.statement.string(at: "q._id.$eq")))
                }
                #expect(Set(touched) == Set(ids[3...5] + ids[10...11] + [ids[20], "account/nobody"]))
                for write in writes
                where write.statement.string(at: "q._id.$eq").map({ ids[3...5].contains($0) }) == true {
                    let id = try #require(write.statement.string(at: "q._id.$eq"))
                    #expect(
                        write.statement.value(at: "u") == [
                            "$set": ["state.balance": before[id]?.value(at: "state.balance") ?? .null]
                        ])
                }
                proxy.forget()
                #expect(try await watched.patch().written == 0)
                #expect(try await watched.rebuild().written == 0, "what is right to the byte is left")
                #expect(try await watched.verify().isClean)
                #expect(proxy.snapshotWrites.isEmpty)
            }
            #expect(try await ReconcileFixture.snapshots(of: Account.self, in: store) == before)
        }
    }

    @Test("repairs only the kinds, the types and the aggregates that it is asked for; a dry run writes nothing at all")
    func selection() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 8, in: store)
            try await ReconcileFixture.seed(Tally.self, count: 8, in: store)
            func drift() async throws {
                for type in ["account", "tally"] {
                    let id = { (number: Int) in BSONValue.string("\(type)/\(ReconcileFixture.key(number))") }
                    let collection = "snapshots.\(type)"
                    try await store.raw.update(["_id": id(1)], with: ["$set": ["state.entries": 7]], in: collection)
                    try await store.raw.update(["_id": id(2)], with: ["$set": ["version": 7]], in: collection)
                    try await store.raw.delete(["_id": id(5)], from: collection)
                }
            }
            try await drift()
            let before = try await store.raw.contents()
            var dry = ReconcileOptions()
            dry.isDryRun = true
            for report in [
                try await store.patch(dry), try await store.rebuild(dry), try await store.rebuild(dry, swap: true),
            ] {
                #expect(report.counts == [.diverged: 2, .ahead: 2, .missing: 2])
                #expect(report.written == 0)
                #expect(report.runID == nil)
                #expect(report.findings.allSatisfy { $0.repair?.write != nil })
            }
            #expect(try await store.raw.contents() == before)

            let only = try await store.patch(only: [.ahead])
            #expect(only.counts == [.diverged: 2, .ahead: 2, .missing: 2])
            #expect((only.written, only.unrepaired) == (2, 4))
            var tallies = ReconcileOptions()
            tallies.types = [Tally.type]
            #expect(try await store.patch(tallies).written == 2)
            var one = ReconcileOptions()
            one.ids = [
                try AggregateID(Account.type, key: ReconcileFixture.key(1)),
                try AggregateID(Account.type, key: "nobody"),
            ]
            let report = try await store.patch(one)
            #expect(report.kinds == ["account/\(ReconcileFixture.key(1))": [.diverged]])
            #expect((report.checked, report.written) == (1, 1))
            #expect(try await store.verify().kinds == ["account/\(ReconcileFixture.key(5))": [.missing]])
            #expect(try await store.patch().written == 1)
            let after = try await store.raw.contents()
            #expect(after["journal"] == before["journal"])
            #expect(try await store.verify().isClean)
        }
    }
}
