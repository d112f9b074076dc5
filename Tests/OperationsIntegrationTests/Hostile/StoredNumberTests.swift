@testable import Daybook
import DaybookBSON
import DaybookMongo
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

/// Numbers and dates in stored documents that no commit and no run has written.
@Suite("Stored numbers", .timeLimit(.minutes(3)))
struct StoredNumberTests {
    /// Gives the account `a` an event and a snapshot at `version` whose digest fits.
    private func forgeEnd(at version: Int64, in store: DaybookStore) async throws {
        try await store.repository(Account.self).execute(.deposit(1), on: "a")
        let event = try await ReconcileFixture.event("account/a", 1, in: store)
        let id = UUID()
        try await forge(store) { stored in
            stored.version = version
            stored.headID = id
        }
        try await store.raw.insert(
            [event.setting("_id", to: .binary(BSONBinary(id))).setting("version", to: .int64(version))], into: "journal"
        )
    }

    @Test(
        "a snapshot at a version that no aggregate gets to is not believed",
        arguments: [Int64.max, Journal.maximumVersion])
    func snapshotAtTheEnd(version: Int64) async throws {
        try await ReconcileFixture.withStore(for: [Account.self]) { store in
            try await ReconcileFixture.takeAnyEvent(in: store)
            try await store.raw.restoreVersionIndex()
            try await forgeEnd(at: version, in: store)
            try await ReconcileFixture.withAnother(on: store, for: [Account.self]) { other in
                let accounts = other.repository(Account.self)
                for attempt in [
                    { _ = try await accounts.load("a") }, { _ = try await accounts.execute(.deposit(1), on: "a") },
                    { _ = try await accounts.execute(.depositEach([1, 2, 3]), on: "a") },
                    {
                        try await other.transaction { _ = try await $0.execute(.deposit(1), on: "a", of: Account.self) }
                    },
                ] as [@Sendable () async throws -> Void] {
                    let error = await #expect(throws: DaybookError.self) { try await attempt() }
                    #expect(error?.code == .damagedJournal)
                    #expect(error?.aggregateID == "account/a")
                }
                let report = try await other.verify()
                #expect(report.kinds == ["account/a": [.gap]])
            }
        }
    }

    @Test("a commit whose event has its version twice is found again, and reading it does not trap")
    func versionTwice() async throws {
        try await withTestStore { store in
            try await ReconcileFixture.takeAnyEvent(in: store)
            try await store.raw.restoreVersionIndex()
            try await store.repository(Account.self).execute(.deposit(1), on: "a", commandID: "c")
            let event = try await ReconcileFixture.event("account/a", 1, in: store)
            // The server goes by the first of two, and this library by the last.
            func twice(_ versions: [Int64], _ meta: BSONDocument) throws -> BSONDocument {
                var document = try event.setting("_id", to: .binary(BSONBinary(UUID()))).setting(
                    "version", to: .int64(versions[0])
                )
                .setting("meta", to: .document(meta))
                try document.append("version", .int64(versions[1]))
                return document
            }
            try await store.raw.insert([twice([3, 5], ["commandId": "d"]), twice([5, 2], [:])], into: "journal")
            let identity = try CommandIdentity(appending: [], id: "d")
            let (journal, id) = (store.journal, try AggregateID("account", key: "a"))
            let found = try await store.client.withConnection(.single) { connection in
                var identity = identity
                identity.digest = nil
                return try journal.commit(of: identity, on: id, connection: connection)
            }
            #expect(found?.versions == 5...5)
        }
    }

    @Test("doctor counts the lag of snapshots and heads of whatever versions")
    func lagOfExtremes() async throws {
        try await ReconcileFixture.withStore(for: [Tally.self]) { store in
            let tallies = store.repository(Tally.self)
            for key in ["a", "b"] { try await tallies.execute(.deposit(1), on: key) }
            try await ReconcileFixture.takeAnyEvent(in: store)
            await store.poster.drain()
            for key in ["a", "b"] {
                let id = "tally/\(key)"
                let event = try await ReconcileFixture.event(id, 1, in: store)
                let far = try event.setting("version", to: .int64(.max)).setting(
                    "recordedAt", to: .datetime(BSONDate(milliseconds: 0))
                )
                .setting("_id", to: .binary(BSONBinary(UUID())))
                try await store.raw.insert([far], into: "journal")
                try await store.raw.update(
                    ["_id": .string(id)], with: ["$set": ["version": .int64(.min)]], in: "snapshots.tally")
            }
            let lag = try #require(await store.diagnose().checks.first { $0.name == "lag of tally" })
            #expect(lag.level == .warning)
            #expect(
                lag.detail.contains("by \(Int64.max) events: tally/a is at version 0 of \(Int64.max)"), "\(lag.detail)")
        }
    }

    @Test(
        "a database that an earlier version of Daybook made keeps its validator, and works; a new one refuses such a version"
    )
    func validators() async throws {
        let earlier = try #require(Journal.earlierValidators.first)
        try await ReconcileFixture.withStore(for: [Account.self]) { store in
            let event = { (version: Int64) async throws -> BSONDocument in
                try await ReconcileFixture.event("account/a", 1, in: store).setting("version", to: .int64(version))
                    .setting("_id", to: .binary(BSONBinary(UUID()))).setting("meta", to: [:])
            }
            try await store.repository(Account.self).execute(.deposit(1), on: "a")
            for version in [Int64.max, Journal.maximumVersion + 1] {
                let error = await #expect(throws: MongoError.self) {
                    try await store.raw.insert([try await event(version)], into: "journal")
                }
                #expect(error?.code == .validationFailed)
            }
            _ = try await store.raw.write(["collMod": "journal", "validator": .document(earlier)])
            try await store.raw.insert([try await event(Journal.maximumVersion + 1)], into: "journal")
            try await store.initialize(Account.self)
            #expect(await store.diagnose().problems == 0)
            let kept = try await store.raw.read(["listCollections": 1, "filter": ["name": "journal"]])
            let validator = kept.documents(at: "cursor.firstBatch").first?.value(at: "options.validator")
            guard case .document(let validator) = validator else { throw RawDatabase.NoMatch() }
            #expect(validator.isSameDefinition(as: earlier))
            #expect(try await store.repository(Account.self).execute(.deposit(1), on: "b")?.version == 1)
        }
    }

    @Test(
        "options that cannot be are refused by every kind of reconciliation", arguments: [Double.nan, .infinity, 0, -1])
    func options(rate: Double) async throws {
        try await ReconcileFixture.withStore(for: [Account.self]) { store in
            func options(_ change: (inout ReconcileOptions) -> Void) -> ReconcileOptions {
                var options = ReconcileOptions()
                change(&options)
                return options
            }
            for wrong in [options { $0.aggregatesPerSecond = rate }, options { $0.workers = 0 }] {
                for attempt in [
                    { _ = try await store.verifyEnvelopes(wrong) }, { _ = try await store.verify(wrong) },
                    { _ = try await store.rebuild(wrong) },
                ] as [@Sendable () async throws -> Void] {
                    let error = await #expect(throws: DaybookError.self) { try await attempt() }
                    #expect(error?.code == .invalidArgument)
                }
            }
            let many = options { $0.workers = .max }
            let (full, envelopes) = (try await store.verify(many), try await store.verifyEnvelopes(many))
            #expect(full.isClean && envelopes.isClean)
        }
    }
}

extension RawDatabase {
    /// Makes the journal's index of versions again, without which a store does not commit.
    func restoreVersionIndex() async throws {
        _ = try await write(["dropIndexes": "journal", "index": "plain"])
        let namespace = namespace("journal")
        try await client.withConnection(.single) { try $0.createIndexes([JournalIndex.versions.model], in: namespace) }
    }
}
