@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import Testing

@Suite("AggregateChange and PreparedCommit")
struct AggregateChangeTests {
    private let hands = Hands(milliseconds: 1_700_000_000_123)

    private func fold(_ key: String, version: Int64 = 0, headID: UUID? = nil, createdAt: Int64? = nil) throws -> Fold<
        Parcel
    > {
        var fold = Fold<Parcel>(try AggregateID("parcel", key: key))
        fold.version = version
        fold.headID = headID
        fold.createdAt = createdAt.map { BSONDate(milliseconds: $0) }
        return fold
    }

    private func prepare(_ changes: [AggregateChange]) throws -> PreparedCommit {
        try PreparedCommit(changes, at: hands.clock.now(), random: hands.clock.random)
    }

    // MARK: Changes

    @Test("a change folds what was decided from its stored form")
    func draft() throws {
        let loaded = Loaded(fold: try fold("P-1"), basis: .read(nil))
        var fold = loaded.fold
        var draft = AggregateChange(loaded, of: Loader<Parcel>.sample)
        let exact = Date(timeIntervalSince1970: 1_700_000_000.123_456)
        try draft.append([.sent(.init(city: "Ulm")), .scanned(at: exact)], commandID: "c-1", folding: &fold)
        #expect(fold.version == 2)
        #expect(fold.state.status == .sent)
        #expect(fold.state.lastScanAt == BSONDate(milliseconds: 1_700_000_000_123).date)
        #expect(draft.version == 0)
        #expect(draft.events.map(\.type) == ["sent", "scanned"])
        #expect(draft.events.map(\.command?.id) == ["c-1", nil])
        #expect(try BSONDecoder().decode(Parcel.self, from: #require(draft.state)) == fold.state)

        try draft.append([.lost, .lost], commandID: "c-2", folding: &fold)
        #expect(fold.version == 4)
        #expect(draft.events.map(\.command?.id) == ["c-1", nil, "c-2", nil])
        #expect(try BSONDecoder().decode(Parcel.self, from: #require(draft.state)).status == .lost)
    }

    // MARK: Commits

    @Test("versions continue after the one that was loaded", arguments: [0, 1, 41, Int64(UInt32.max)])
    func versions(loaded: Int64) throws {
        let commit = try prepare([AggregateChange([.lost, .lost, .lost], fold("P-1", version: loaded))])
        #expect(commit.events.map { $0["version"] } == (1...3).map { .int64(loaded + $0) })
        #expect(commit.changes.map(\.versions) == [loaded + 1...loaded + 3])
        #expect(try commit.changes[0].snapshot?.document()["version"] == .int64(loaded + 3))
        #expect(commit.commits.map(\.version) == [loaded + 3])
    }

    @Test("nothing is prepared after an event with the last time that an id can have, because its id would be smaller")
    func lastTime() throws {
        let last = UUID(milliseconds: 0xFFFF_FFFF_FFFF, upper: 0xFFF, lower: 1 << 62 - 1)
        let error = #expect(throws: DaybookError.self) {
            try prepare([AggregateChange([.lost], fold("P-1", version: 4, headID: last))])
        }
        #expect(error?.code == .damagedJournal)
        #expect(error?.aggregateID == "parcel/P-1")
        #expect(error?.version == 4)
        let room = UUID(milliseconds: 0xFFFF_FFFF_FFFF, upper: 0xFFE, lower: 1 << 62 - 1)
        #expect(try prepare([AggregateChange([.lost], fold("P-1", version: 4, headID: room))]).events.count == 1)
    }

    @Test("no commit goes beyond the largest version", arguments: [.max, .max - 1] as [Int64])
    func largestVersion(version: Int64) throws {
        let error = #expect(throws: DaybookError.self) {
            try prepare([AggregateChange([.lost, .lost], fold("P-1", version: version))])
        }
        #expect(error?.code == .damagedJournal)
    }

    @Test("the i-th event has the commit's id + i, over all aggregates, and says so with index and count")
    func ids() throws {
        let commit = try prepare([
            AggregateChange([.lost, .lost], fold("P-1")), AggregateChange([.lost], fold("P-2", version: 9)),
            AggregateChange([.lost, .lost, .lost], fold("P-3")),
        ])
        #expect(commit.events.count == 6)
        for (index, event) in commit.events.enumerated() {
            #expect(event["_id"] == .binary(BSONBinary(UUID(number: commit.id.number + UInt128(index)))))
            #expect(
                event["commit"] == [
                    "id": .binary(BSONBinary(commit.id)), "index": .int32(Int32(index)), "count": .int32(6),
                ])
        }
        let keys = ["P-1", "P-1", "P-2", "P-3", "P-3", "P-3"]
        #expect(commit.events.map { $0["aggregateId"] } == keys.map { .string("parcel/\($0)") })
        #expect(commit.events.map { $0["version"] } == [1, 2, 10, 1, 2, 3])
        #expect(commit.changes.map(\.firstEventID.number) == [0, 2, 3].map { commit.id.number + $0 })
    }

    @Test("each snapshot has the last of its aggregate's events as its head")
    func heads() throws {
        let commit = try prepare([AggregateChange([.lost, .lost], fold("P-1")), AggregateChange([.lost], fold("P-2"))])
        let heads = try commit.changes.map { try $0.snapshot?.document().value(at: "head.eventId") }
        #expect(heads == [1, 2].map { .binary(BSONBinary(UUID(number: commit.id.number + $0))) })
        for change in commit.changes {
            let isGenuine = try #require(change.snapshot).document().withBorrowed {
                try BorrowedSnapshot($0).isGenuine(for: change.aggregateID)
            }
            #expect(isGenuine)
        }
    }

    @Test("all events are recorded at the time that the ids have, to the millisecond")
    func recordedAt() throws {
        hands.milliseconds = 1_700_000_000_123.9
        let commit = try prepare([AggregateChange([.lost, .lost], fold("P-1")), AggregateChange([.lost], fold("P-2"))])
        let time = BSONDate(milliseconds: 1_700_000_000_123)
        #expect(commit.recordedAt == time)
        #expect(EventID(commit.id).milliseconds == 1_700_000_000_123)
        for event in commit.events { #expect(event["recordedAt"] == .datetime(time)) }
        for change in commit.changes {
            #expect(try change.snapshot?.document()["updatedAt"] == .datetime(time))
            #expect(try change.snapshot?.document()["createdAt"] == .datetime(time))
            #expect(try change.snapshot?.document().value(at: "head.recordedAt") == .datetime(time))
        }
        #expect(commit.commits.map(\.recordedAt) == [time.date, time.date])
    }

    @Test("a writer whose clock is behind records at the latest time that any of its aggregates has seen")
    func clockBehind() throws {
        let (early, late) = (
            UUID(milliseconds: 1_700_000_600_000, upper: 5, lower: 5),
            UUID(milliseconds: 1_700_000_600_001, upper: 1, lower: 1)
        )
        let commit = try prepare([
            AggregateChange([.lost], fold("P-1", version: 3, headID: late, createdAt: 1_600_000_000_000)),
            AggregateChange([.lost], fold("P-2", version: 1, headID: early, createdAt: 1_500_000_000_000)),
            AggregateChange([.lost], fold("P-3")),
        ])
        #expect(commit.recordedAt == BSONDate(milliseconds: 1_700_000_600_001))
        #expect(EventID(commit.id) > EventID(late))
        #expect(
            try commit.changes.map { try $0.snapshot?.document()["createdAt"] }
                == [1_600_000_000_000, 1_500_000_000_000, 1_700_000_600_001].map {
                    .datetime(BSONDate(milliseconds: $0))
                })
    }

    @Test("a command's id is on its first event of each aggregate and on no other")
    func commandIDs() throws {
        let commit = try prepare([
            AggregateChange([.lost, .lost, .lost], fold("P-1"), commandID: "c-1"),
            AggregateChange([.lost, .lost], fold("P-2")),
            AggregateChange([.lost, .lost], fold("P-3"), commandID: "c-3"),
        ])
        let ids = commit.events.map { $0.value(at: "meta.commandId") }
        #expect(ids == ["c-1", nil, nil, nil, nil, "c-3", nil])
    }

    @Test("a commit reports what it appended to each aggregate, in the order of the changes")
    func commits() throws {
        let commit = try prepare([
            AggregateChange([.lost, .lost], fold("P-2", version: 4)), AggregateChange([.lost], fold("P-1")),
        ])
        let expected = try [("P-2", 5...6), ("P-1", 1...1)].map { key, versions in
            Commit(
                id: commit.id, aggregateID: try AggregateID("parcel", key: key), versions: versions,
                recordedAt: commit.recordedAt.date)
        }
        #expect(commit.commits == expected)
    }

    @Test("a commit of 1,000 events is in order and without gaps")
    func many() throws {
        let commit = try prepare([AggregateChange(Array(repeating: .lost, count: 1_000), fold("P-1"))])
        let ids = try commit.events.map { try $0.withBorrowed { try JournalEvent($0).id } }
        #expect(ids.map(\.number) == (0..<1_000).map { commit.id.number + $0 })
        #expect(
            commit.events.last?["commit"] == [
                "id": .binary(BSONBinary(commit.id)), "index": .int32(999), "count": .int32(1_000),
            ])
        #expect(commit.changes[0].versions == 1...1_000)
    }

    // MARK: Limits

    @Test("an event that MongoDB would not take is refused before anything is sent, by version, type and size")
    func eventTooLarge() throws {
        let note = String(repeating: "x", count: 16 << 20)
        let draft = try AggregateChange([.lost, .packed(note: note, weight: 1)], fold("P-1", version: 6))
        let error = #expect(throws: DaybookError.self) { try prepare([draft]) }
        #expect(error?.code == .tooLarge)
        #expect(error?.aggregateID == "parcel/P-1")
        #expect(error?.version == 8)
        #expect(error?.message.contains("\"packed\"") == true)
        #expect(error?.message.contains("xxx") == false)
    }

    @Test("an event may have 15 MiB to the byte, and no more")
    func eventAtTheLimit() throws {
        func event(note count: Int) throws -> Int {
            let commit = try prepare([
                AggregateChange(
                    [.packed(note: String(repeating: "x", count: count), weight: 1), .packed(note: "", weight: 1)],
                    fold("P-1"))
            ])
            return commit.events[0].bytes.count
        }
        let envelope = try event(note: 0)
        let most = maximumEventBytes - envelope
        #expect(maximumEventBytes == 15 * 1024 * 1024)
        #expect(try event(note: most) == maximumEventBytes)
        #expect(throws: DaybookError.self) { try event(note: most + 1) }
    }

    @Test("a state that MongoDB would not take is refused, though each event is small enough")
    func snapshotTooLarge() throws {
        let half = String(repeating: "x", count: 9 << 20)
        var fold = try fold("P-1", version: 6)
        fold.state.note = half
        let draft = try AggregateChange([.labelled(labels: ["a": half])], fold)
        let error = #expect(throws: DaybookError.self) { try prepare([draft]) }
        #expect(error?.code == .tooLarge)
        #expect(error?.version == 7)
        #expect(error?.message.contains("snapshot") == true)
    }
}
