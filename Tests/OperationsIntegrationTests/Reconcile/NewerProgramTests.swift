@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import IntegrationSupport
import Testing

@Suite("Snapshots of a newer program", .serialized, .timeLimit(.minutes(2)))
struct NewerProgramTests {
    private func withNewer<A: Ledger>(
        _ aggregate: A.Type, version: Int64?,
        _ body: (DaybookStore, _ newer: BSONDocument, ReconcileOptions) async throws -> Void
    ) async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(A.self, count: 4, in: store) { $0 == 3 ? "a" : "k-\($0)" }
            try await forge(store, of: A.self) { stored in
                stored.stateSchema = 2
                stored.version = version ?? stored.version
                stored.state = ["money": ["amount": 28, "currency": "EUR"]]
            }
            var options = ReconcileOptions()
            options.types = [A.type]
            try await body(store, try #require(try await store.snapshot("a", A.self)), options)
        }
    }

    @Test(
        "G10: are reported and left by patch and rebuild, whatever version they are at; a swap, which would lose them, refuses",
        arguments: [nil, 2, 9] as [Int64?])
    func left(version: Int64?) async throws {
        try await expectLeft(Account.self, version)
        try await expectLeft(Tally.self, version)
    }

    private func expectLeft<A: Ledger>(_ aggregate: A.Type, _ version: Int64?) async throws {
        try await withNewer(A.self, version: version) { store, newer, options in
            try await store.raw.delete(["_id": .string("\(A.type)/k-1")], from: A.snapshotCollection)
            for report in [
                try await store.verify(options), try await store.patch(options), try await store.rebuild(options),
            ] {
                let finding = try #require(report.findings.first { $0.aggregateID == "\(A.type)/a" })
                #expect(finding.kind == .outdated)
                #expect(finding.detail.contains("newer program"), "\(finding.detail)")
                if let repair = finding.repair {
                    #expect((repair.action, report.unrepaired) == (.none, 1))
                    #expect(repair.reason?.contains("newer program") == true)
                }
                #expect(try await store.snapshot("a", A.self) == newer)
            }
            #expect(try await store.verify(options).findings.count == 1, "the other one was put right")
            let before = try await store.raw.documents(in: A.snapshotCollection)
            let error = try await daybookError { _ = try await store.rebuild(options, swap: true) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("newer program") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("without swap") == true)
            #expect(try await store.raw.documents(in: A.snapshotCollection) == before)
            #expect(try await store.raw.contents()["\(A.snapshotCollection).rebuild"] == nil)
        }
    }

    @Test("of an older one are outdated, and patch and rebuild write the state anew")
    func older() async throws {
        for rebuilds in [false, true] {
            try await ReconcileFixture.withStore { store in
                try await ReconcileFixture.seed(Account.self, count: 4, in: store) { $0 == 3 ? "a" : "k-\($0)" }
                let expected = try #require(try await store.snapshot("a", Account.self))
                try await forge(store, of: Account.self) { stored in
                    stored.stateSchema = 0
                    stored.version = 2
                    stored.state = ["pence": 28]
                }
                let report = rebuilds ? try await store.rebuild() : try await store.patch()
                #expect(report.kinds == ["account/a": [.outdated]])
                #expect(report.written == 1)
                #expect(try await store.snapshot("a", Account.self) == expected)
                #expect(try await store.verify().isClean)
            }
        }
    }

    @Test("are reported also where the newer program writes one again and again, and patch comes to its end")
    func busy() async throws {
        try await withNewer(Account.self, version: 9) { store, _, options in
            let writer = Task {
                for number in 0... {
                    try Task.checkCancellation()
                    try await store.raw.update(
                        ["_id": "account/a"], with: ["$set": ["lock": .int64(Int64(number))]], in: "snapshots.account")
                }
            }
            for report in [try await store.verify(options), try await store.patch(options)] {
                #expect(report.findings.map(\.kind) == [.outdated], "\(report.findings)")
            }
            writer.cancel()
            _ = await writer.result
        }
    }
}
