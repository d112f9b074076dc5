@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("Waiting for a snapshot", .timeLimit(.minutes(1)))
struct WaitForSnapshotTests {
    @Test("a query sees the commit that was waited for, of this process and of another")
    func own() async throws {
        try await withTestStore { store in
            let other = try DaybookStore(store.configuration)
            let (here, there) = (store.repository(Tally.self), other.repository(Tally.self))
            for round in 1...10 {
                let commit = try #require(try await here.execute(.deposit(1), on: "a"))
                let waits = round.isMultiple(of: 2) ? here : there
                try await waits.waitForSnapshot(of: commit)
                #expect(try await waits.query(where: \.balance == round).reduce(0) { count, _ in count + 1 } == 1)
            }
            await other.close()
        }
    }

    @Test("a waiting reader writes the snapshot of a writer that died, to the byte")
    func deadWriter() async throws {
        try await withTestStore { store in
            let tallies = store.repository(Tally.self)
            try await tallies.execute(.deposit(1), on: "a")
            let commit = try #require(try await tallies.execute(.depositEach([1, 2]), on: "a"))
            await store.poster.drain()
            try await store.raw.delete(["_id": "tally/a"], from: "snapshots.tally")
            try await tallies.waitForSnapshot(of: commit)
            #expect(try await store.isCaughtUp("a", Tally.self))
        }
    }

    @Test("an inline aggregate's is there at once; a live one has none")
    func otherLifecycles() async throws {
        try await withTestStore { store in
            let commit = try #require(try await store.repository(Account.self).execute(.deposit(1), on: "a"))
            try await store.repository(Account.self).waitForSnapshot(of: commit)
            let live = try #require(try await store.repository(Meter.self).execute(.deposit(1), on: "a"))
            let error = try await daybookError { try await store.repository(Meter.self).waitForSnapshot(of: live) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("a version that does not exist, and a snapshot that only a newer deployment can write, have different errors")
    func impossible() async throws {
        try await withTestStore { store in
            let tallies = store.repository(Tally.self)
            try await tallies.execute(.deposit(1), on: "a")
            await store.poster.drain()
            let missing = try await daybookError { try await tallies.waitForSnapshot("a", version: 2) }
            #expect(missing?.code == .versionNotFound)
            #expect(missing?.version == 1)
            let never = try await daybookError { try await tallies.waitForSnapshot("never", version: 1) }
            #expect(never?.code == .versionNotFound)
            try await forge(store, of: Tally.self) { $0.stateSchema = 2 }
            try await tallies.execute(.deposit(1), on: "a")
            let behind = try await daybookError { try await tallies.waitForSnapshot("a", version: 2) }
            #expect(behind?.code == .snapshotBehind)
            #expect(behind?.version == 1)
        }
    }

    @Test("the error for a snapshot that cannot be made has the reason")
    func unreadable() async throws {
        try await withTestStore { store in
            try await store.spoil("a")
            let error = try await daybookError {
                try await store.repository(Tally.self).waitForSnapshot("a", version: 2)
            }
            #expect(error?.code == .unknownEvent)
            #expect(error?.version == 2)
            #expect(error?.aggregateID == "tally/a")
        }
    }
}

extension DaybookStore {
    /// Makes a tally whose second event no program knows.
    func spoil(_ key: String) async throws {
        try await repository(Tally.self).execute(.deposit(1), on: key)
        await poster.drain()
        let id: BSONValue = .string("tally/\(key)")
        let event = try await raw.documents(in: "journal", where: ["aggregateId": id]).first
        guard let event else { throw RawDatabase.NoMatch() }
        let eventID: BSONValue = .binary(
            BSONBinary(EventID.next(after: [], at: clock.now(), random: clock.random).uuid))
        let commit: BSONDocument = ["id": eventID, "index": .int32(0), "count": .int32(1)]
        try await raw.insert(
            [
                event.setting("_id", to: eventID).setting("version", to: .int64(2)).setting("type", to: "vanished")
                    .setting("commit", to: .document(commit)).setting("meta", to: [:])
            ], into: "journal")
    }
}
