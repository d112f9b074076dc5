@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("verify without the application's code", .serialized, .timeLimit(.minutes(2)))
struct EnvelopeTests {
    /// Runs `body` with a store that knows no aggregate.
    private func withGeneric(_ store: DaybookStore, _ body: (DaybookStore) async throws -> Void) async throws {
        try await ReconcileFixture.withAnother(on: store, for: [], body)
    }

    @Test("finds nothing in a healthy database of several types, with workers or without")
    func healthy() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 40, in: store)
            try await ReconcileFixture.seed(Tally.self, count: 20, in: store)
            try await ReconcileFixture.seed(Meter.self, count: 10, in: store)
            try await withGeneric(store) { generic in
                for workers in [1, 4] {
                    var options = ReconcileOptions()
                    options.workers = workers
                    let report = try await generic.verifyEnvelopes(options)
                    #expect(report.isClean, "\(report.kinds)")
                    #expect(report.checked == 70)
                    #expect(report.events == 173)
                }
                #expect(try await generic.verify(for: "tally").checked == 20)
            }
        }
    }

    @Test("finds gaps, disorder, orphans, missing and stale snapshots, damaged digests and malformed envelopes")
    func damage() async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 40, in: store) { $0 % 4 == 3 ? "d-\($0)" : "h-\($0)" }
            try await ReconcileFixture.takeAnyEvent(in: store)
            var wanted: [String: [Finding.Kind]] = [:]
            var reasons: [String: String] = [:]
            func damage(
                _ number: Int, _ kind: Finding.Kind, _ reason: String? = nil,
                _ body: (_ id: String) async throws -> Void
            )
                async throws
            {
                let id = "account/d-\(number)"
                (wanted[id], reasons[id]) = ([kind], reason)
                try await body(id)
            }
            func event(_ id: String, _ version: Int64, _ update: BSONDocument) async throws {
                try await store.raw.update(
                    ["aggregateId": .string(id), "version": .int64(version)], with: update, in: "journal")
            }
            try await damage(3, .gap, "version 2 is not there") {
                try await store.raw.delete(["aggregateId": .string($0), "version": 2], from: "journal")
            }
            try await damage(7, .gap, "version 1 is there twice") {
                let again = try await ReconcileFixture.event($0, 1, in: store).setting(
                    "_id", to: .binary(BSONBinary(UUID())))
                try await store.raw.insert([again], into: "journal")
            }
            try await damage(11, .gap, "recorded before event 3") {
                try await event($0, 4, ["$set": ["recordedAt": .datetime(BSONDate(milliseconds: 5))]])
            }
            try await damage(15, .unreadable, "commit") { try await event($0, 3, ["$unset": ["commit": ""]]) }
            try await damage(19, .unreadable, "meta") { try await event($0, 2, ["$set": ["meta": "gone"]]) }
            try await damage(23, .unreadable, "schema") { try await event($0, 2, ["$set": ["schema": "one"]]) }
            try await damage(27, .missing) {
                try await store.raw.delete(["_id": .string($0)], from: "snapshots.account")
            }
            try await damage(31, .diverged) {
                try await store.raw.update(
                    ["_id": .string($0)], with: ["$set": ["state.balance": 1]], in: "snapshots.account")
            }
            try await damage(35, .ahead) {
                try await store.raw.update(
                    ["_id": .string($0)], with: ["$set": ["version": 9]], in: "snapshots.account")
            }
            try await damage(39, .stale) {
                let id = try AggregateID(parsing: $0)
                let old = try await store.client.withConnection(.single) {
                    try store.repository(Account.self).loader.load(id, at: 2, on: $0).stored()?.document()
                }
                try await store.raw.put(try #require(old), into: "snapshots.account")
            }
            let some = try #require(try await store.snapshot("h-0", Account.self))
            try await store.raw.put(some.setting("_id", to: "account/nobody"), into: "snapshots.account")
            wanted["account/nobody"] = [.orphan]
            try await store.raw.put(some.setting("_id", to: "gone/1"), into: "snapshots.gone")
            wanted["gone/1"] = [.orphan]

            let before = try await store.raw.contents()
            // The roles name the collections of their aggregates, and know nothing of `snapshots.gone`.
            try await ReconcileFixture.withAnother(on: store, for: [], uri: try TestServer.uri) { generic in
                let report = try await generic.verifyEnvelopes()
                #expect(report.kinds == wanted)
                for finding in report.findings {
                    #expect(
                        reasons[finding.aggregateID].map { finding.detail.contains($0) } ?? true,
                        "\(finding.aggregateID): \(finding.detail)")
                }
                #expect(try await generic.verify(for: "gone").kinds == ["gone/1": [.orphan]])
                let nothing = try await daybookError { _ = try await generic.verify(for: "nothing") }
                #expect(nothing?.code == .invalidArgument)
                #expect(nothing?.message.contains("account, gone") == true, "\(nothing?.message ?? "")")
                let run = try await CommandRun("daybook", ["verify", "--database", store.database, "--json"])
                #expect(run.status == 1, "\(run.errors)")
                #expect(try BSONDocument(extendedJSON: run.output).documents(at: "findings").count == wanted.count)
            }
            #expect(try await store.raw.contents() == before)
        }
    }

    @Test("verify with a store that knows no aggregate says so")
    func noAggregates() async throws {
        try await ReconcileFixture.withStore { store in
            try await withGeneric(store) { generic in
                let verify = try await daybookError { _ = try await generic.verify() }
                #expect(verify?.code == .invalidArgument)
                let patch = try await daybookError { _ = try await generic.patch() }
                #expect(patch?.code == .invalidArgument)
            }
        }
    }
}

extension DaybookStore {
    fileprivate func verify(for type: AggregateType) async throws -> ReconcileReport {
        var options = ReconcileOptions()
        options.types = [type]
        return try await verifyEnvelopes(options)
    }
}
