@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

/// Two versions of one program on one database at the same time, each with a store of its own.
@Suite("A rolling deployment", .timeLimit(.minutes(2)))
struct RollingDeploymentTests {
    static let kept: [Lifecycle] = [.inline, .async]

    private func withBoth<K: Keeping>(
        _: K.Type, _ body: (Repository<OldBooking<K>>, Repository<NewBooking<K>>) async throws -> Void
    ) async throws {
        try await withTestStore { newStore in
            try await newStore.prepare(for: NewBooking<K>.self)
            try await withDaybook(newStore.configuration) { oldStore in
                try await body(oldStore.repository(OldBooking<K>.self), newStore.repository(NewBooking<K>.self))
            }
        }
    }

    private func snapshot(_ store: DaybookStore, _ key: String) async throws -> BSONDocument? {
        await store.poster.drain()
        return try await store.raw.document(in: "snapshots.booking", id: "booking/\(key)")?.setting("lock", to: nil)
    }

    private func versions(_ store: DaybookStore, _ key: String) async throws -> [Int64] {
        try await store.raw.documents(in: "journal", where: ["aggregateId": .string("booking/\(key)")])
            .compactMap { $0.integer(at: "version") }.sorted()
    }

    // MARK: Forwards

    @Test("G6: the new program reads what the old one wrote, and what it writes meanwhile", arguments: kept)
    func forwards(_ lifecycle: Lifecycle) async throws { try await newReadsOld(lifecycle.keeping) }

    private func newReadsOld<K: Keeping>(_ kept: K.Type) async throws {
        try await withBoth(kept) { old, new in
            try await old.execute(.book(5), on: "b")
            try await old.execute(.cancel(2), on: "b")
            try await old.waitForSnapshot("b", version: 2)
            var expected = NewBooking<K>()
            expected.apply(.booked(seats: 5, cabin: "any"))
            expected.apply(.cancelled(seats: 2))
            #expect(try await new.load("b").state == expected)
            #expect(try await new.query(where: \.seats == 3).reduce(into: []) { $0.append($1.state) } == [expected])
            #expect(try await new.load("b", at: .version(1)).state.cabins == ["any"])
            #expect(try await new.execute(.cancel(1), on: "b", expecting: 2)?.version == 3)
            expected.apply(.cancelled(seats: 1))
            // The old one goes on with what both know.
            #expect(try await old.execute(.book(7), on: "b", expecting: 3)?.version == 4)
            expected.apply(.booked(seats: 7, cabin: "any"))
            #expect(try await new.load("b").state == expected)
            var bodies: [NewBooking<K>.Event] = []
            for try await event in try new.history("b") {
                if case .event(let body) = event.body { bodies.append(body) }
            }
            #expect(
                bodies == [
                    .booked(seats: 5, cabin: "any"), .cancelled(seats: 2), .cancelled(seats: 1),
                    .booked(seats: 7, cabin: "any"),
                ])
        }
    }

    // MARK: Backwards

    @Test("G12: the old program that meets an event of the new one says so, and does no harm", arguments: kept)
    func backwards(_ lifecycle: Lifecycle) async throws { try await oldMeetsNew(lifecycle.keeping) }

    private func expectUnknown(_ what: String, _ key: String, _ body: () async throws -> Void) async {
        let error = await #expect(throws: DaybookError.self) { try await body() }
        #expect(error?.code == .unknownEvent, "\(key): \(what)")
        #expect(error?.aggregateID == "booking/\(key)")
        #expect(error?.version == 2)
        #expect(error?.message.contains(key == "case" ? "\"upgraded\"" : "\"booked\"") == true)
    }

    private func oldMeetsNew<K: Keeping>(_ kept: K.Type) async throws {
        try await withBoth(kept) { old, new in
            for (key, command) in [("case", .upgrade("fore")), ("schema", .book(4))]
                as [(String, NewBooking<K>.Command)]
            {
                try await old.execute(.book(3), on: key)
                try await new.execute(command, on: key)
                let before = try #require(try await snapshot(new.store, key))
                await expectUnknown("load", key) { _ = try await old.load(key) }
                await expectUnknown("execute", key) { _ = try await old.execute(.cancel(1), on: key) }
                await expectUnknown("append", key) {
                    _ = try await old.append([.cancelled(seats: 1)], to: key, expecting: 2)
                }
                await expectUnknown("correct", key) {
                    _ = try await old.correct(key, patch: ["seats": 1], reason: "r", actor: "a")
                }
                await expectUnknown("transaction", key) {
                    try await old.store.transaction { transaction in
                        try await transaction.execute(.book(1), on: "other-\(key)", of: OldBooking<K>.self)
                        try await transaction.execute(.cancel(1), on: key, of: OldBooking<K>.self)
                    }
                }
                await expectUnknown("query", key) {
                    for try await _ in old.query(matching: ["_id": .string("booking/\(key)")]) {}
                }
                await expectUnknown("history", key) { for try await _ in try old.history(key) {} }
                await expectUnknown("load at a version", key) { _ = try await old.load(key, at: .version(2)) }
                #expect(try await old.load(key, at: .version(1)).state.seats == 3)
                #expect(try await versions(new.store, key) == [1, 2])
                #expect(try await versions(new.store, "other-\(key)").isEmpty)
                await old.store.poster.drain()
                #expect(try await snapshot(new.store, key) == before)
                #expect(try await new.load(key).version == 2)
            }
        }
    }

    // MARK: Snapshots

    @Test(
        "G10: neither program replaces the other's newer snapshot, and the new program's catches up with its next commit",
        arguments: kept)
    func snapshots(_ lifecycle: Lifecycle) async throws { try await alternate(lifecycle.keeping) }

    private func alternate<K: Keeping>(_ kept: K.Type) async throws {
        try await withBoth(kept) { old, new in
            // While only the old one writes, its snapshots are there.
            try await old.execute(.book(100), on: "b")
            #expect(try await snapshot(old.store, "b")?["stateSchema"] == .int32(1))
            var seats = 100
            for round in 1...5 {
                let commit = try #require(try await new.execute(.cancel(1), on: "b"))
                let stored = try #require(try await snapshot(new.store, "b"))
                #expect(stored["stateSchema"] == .int32(2))
                #expect(stored.integer(at: "version") == commit.version)
                seats -= 1
                // The old one commits beside it, several times, and leaves it where it is.
                for _ in 1...round {
                    try await old.execute(.cancel(1), on: "b")
                    seats -= 1
                    #expect(try await snapshot(old.store, "b") == stored)
                    #expect(try await old.load("b").state.seats == seats)
                    let loaded = try await new.load("b")
                    #expect(loaded.state.seats == seats)
                    #expect(try await new.load("b", at: .version(loaded.version)) == loaded)
                }
                // Waiting for it tells the old one whose it is.
                guard K.lifecycle == .async, round == 5 else { continue }
                let error = await #expect(throws: DaybookError.self) {
                    try await old.waitForSnapshot("b", version: commit.version + 1)
                }
                #expect(error?.code == .snapshotBehind)
                try await new.waitForSnapshot("b", version: commit.version + 1)
            }
        }
    }

    // MARK: At the same time

    @Test("G1, G6: both programs execute on the same aggregates at once, and lose nothing", arguments: kept)
    func concurrently(_ lifecycle: Lifecycle) async throws { try await race(lifecycle.keeping) }

    private func race<K: Keeping>(_ kept: K.Type) async throws {
        try await withBoth(kept) { old, new in
            let (keys, rounds) = (["a", "b"], 8)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        for round in 0..<rounds {
                            let key = keys[(task + round) % 2]
                            if task < 2 {
                                try await old.execute(round.isMultiple(of: 3) ? .book(5) : .cancel(1), on: key)
                            } else {
                                try await new.execute(.cancel(1), on: key)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            await old.store.poster.drain()
            var total = 0
            for key in keys {
                let versions = try await versions(new.store, key)
                #expect(versions == Array(1...Int64(versions.count)))
                total += versions.count
                let (oldLoaded, newLoaded) = (try await old.load(key), try await new.load(key))
                #expect(oldLoaded.version == Int64(versions.count) && newLoaded.version == oldLoaded.version)
                #expect(oldLoaded.state.seats == newLoaded.state.seats)
                #expect(oldLoaded.state.entries == versions.count && newLoaded.state.entries == versions.count)
                #expect(try await new.load(key, at: .version(newLoaded.version)) == newLoaded)
                // Nothing older stands in the place of the new one's snapshot, and its next commit brings it up to
                // date.
                #expect(try await snapshot(new.store, key)?["stateSchema"] == .int32(2))
                let commit = try await new.execute(.cancel(1), on: key)
                #expect(try await snapshot(new.store, key)?.integer(at: "version") == commit?.version)
            }
            #expect(total == 4 * rounds)
        }
    }

    // MARK: Rolled back

    @Test("after a roll-back the old program continues with everything that it can read", arguments: kept)
    func rolledBack(_ lifecycle: Lifecycle) async throws { try await rollBack(lifecycle.keeping) }

    private func rollBack<K: Keeping>(_ kept: K.Type) async throws {
        try await withBoth(kept) { old, new in
            for key in ["readable", "unreadable"] { try await old.execute(.book(9), on: key) }
            try await new.execute(.cancel(2), on: "readable")
            try await new.execute(.upgrade("fore"), on: "unreadable")
            await new.store.poster.drain()
            // From here on there is only the old one.
            #expect(try await old.load("readable").state.seats == 7)
            #expect(try await old.execute(.book(1), on: "readable", expecting: 2)?.version == 3)
            #expect(try await old.execute(.book(1), on: "fresh")?.version == 1)
            await old.store.poster.drain()
            let found = try await old.query(matching: ["_id": ["$in": ["booking/readable", "booking/fresh"]]])
                .reduce(into: [:]) { $0[$1.id.key] = $1.state.seats }
            #expect(found == ["readable": 8, "fresh": 1])
            await #expect(throws: DaybookError.self) { try await old.load("unreadable") }
            // And after the next roll-out nothing is missing.
            #expect(try await new.load("readable").state.seats == 8)
            #expect(try await new.load("unreadable").state.cabins == ["fore"])
        }
    }
}
