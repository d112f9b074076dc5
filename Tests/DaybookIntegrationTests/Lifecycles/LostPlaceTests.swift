@testable import Daybook
import DaybookBSON
import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("A projector whose place in the journal is lost", .serialized, .timeLimit(.minutes(3)))
struct LostPlaceTests {
    /// Runs `body` with a store, what its server refuses it, and its log. The store has a tally and a checkpoint, and
    /// its projector does not run.
    private func withCheckpoint(_ body: (DaybookStore, DriverFixture, LogRecorder) async throws -> Void) async throws {
        try await withDriverFixture { fixture in
            var configuration = DaybookConfiguration(uri: try fixture.uri(), database: fixture.database)
            let log = LogRecorder()
            configuration.logger = log.logger
            try await withDaybook(configuration, aggregates: [Tally.self]) { store in
                try await store.initialize()
                try await store.repository(Tally.self).execute(.deposit(5), on: "old")
                await store.poster.drain()
                try await running(store) {
                    await eventually("its place is noted", within: .seconds(30)) { (try? await place(store)) != nil }
                }
                _ = try #require(try await place(store))
                try await body(store, fixture, log)
            }
        }
    }

    private func place(_ store: DaybookStore) async throws -> BSONValue? {
        try await store.raw.document(in: "daybook.checkpoints", id: "snapshots.tally")?["token"]
    }

    private func running(_ store: DaybookStore, _ body: () async throws -> Void) async throws {
        let runner = try DaybookStore(store.configuration, aggregates: [Tally.self])
        let run = Task { try await runner.run() }
        do {
            try await body()
            run.cancel()
            try await run.value
        } catch {
            run.cancel()
            try? await run.value
            throw error
        }
    }

    /// Damage that only a comparison of all finds.
    private func damage(_ store: DaybookStore) async throws {
        try await store.raw.delete(["_id": "tally/old"], from: "snapshots.tally")
    }

    @Test(
        "in the midst of the stream, as when the journal was dropped or renamed, compares all and gets on",
        arguments: [260, 280, 286])
    func midStream(code: Int32) async throws {
        try await withCheckpoint { store, fixture, _ in
            try await damage(store)
            try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.times(1), ["getMore"], ["errorCode": .int32(code)])
                try await running(store) {
                    try await eventually("it is compared", within: .seconds(40)) {
                        try await store.isCaughtUp("old", Tally.self)
                    }
                    #expect(try await store.isCaughtUp("old", Tally.self))
                }
            }
        }
    }

    @Test(
        "when the journal is dropped and put back while the projector runs, as a restore does it, compares all and gets on"
    )
    func dropped() async throws {
        try await withCheckpoint { store, _, _ in
            let journal = try await store.raw.documents(in: "journal")
            try await damage(store)
            try await running(store) {
                try await store.repository(Tally.self).execute(.deposit(1), on: "seen")
                try await eventually("it follows", within: .seconds(30)) {
                    try await store.isCaughtUp("seen", Tally.self)
                }
                #expect(try await store.snapshot("old", Tally.self) == nil, "nothing was compared before")
                _ = try await store.raw.write(["drop": "journal"])
                try await store.initialize()
                try await store.raw.insert(journal, into: "journal")
                try await eventually("all is compared", within: .seconds(60)) {
                    try await store.isCaughtUp("old", Tally.self)
                }
                #expect(try await store.isCaughtUp("old", Tally.self))
            }
        }
    }

    @Test(
        "when the checkpoint is no token any more, compares all and gets on",
        arguments: ["gone", .document(["_data": "gone"]), .document([:])] as [BSONValue])
    func noToken(token: BSONValue) async throws {
        try await withCheckpoint { store, _, _ in
            try await damage(store)
            try await store.raw.update(
                ["_id": "snapshots.tally"], with: ["$set": ["token": token, "updatedAt": "never"]],
                in: "daybook.checkpoints")
            try await running(store) {
                try await eventually("it is compared", within: .seconds(40)) {
                    try await store.isCaughtUp("old", Tally.self)
                }
                #expect(try await store.isCaughtUp("old", Tally.self))
            }
            // What others make of such a checkpoint.
            try await store.raw.update(
                ["_id": "snapshots.tally"], with: ["$set": ["updatedAt": "never"]], in: "daybook.checkpoints")
            #expect(try await store.statistics().types.first?.projectedAt == nil)
            #expect(await store.diagnose().checks.filter { $0.detail.contains("could not be looked at") }.isEmpty)
        }
    }

    @Test("is not taken for lost when a stream cannot be opened for another reason")
    func otherReason() async throws {
        try await withCheckpoint { store, fixture, log in
            try await damage(store)
            try await fixture.withFailPoint { failPoint in
                // Unauthorized: somebody is changing the user's roles.
                try await failPoint.set(.times(1), ["aggregate"], ["errorCode": 13])
                try await running(store) {
                    await eventually("it has failed", within: .seconds(30)) {
                        log.texts.contains {
                            $0.contains("catching up snapshots failed") || $0.contains("no longer knows")
                        }
                    }
                    try await store.repository(Tally.self).execute(.deposit(1), on: "new")
                    try await eventually("it works again", within: .seconds(30)) {
                        try await store.isCaughtUp("new", Tally.self)
                    }
                }
            }
            #expect(!log.texts.contains { $0.contains("no longer knows the place") })
            #expect(try await store.snapshot("old", Tally.self) == nil, "nothing was compared")
        }
    }
}
