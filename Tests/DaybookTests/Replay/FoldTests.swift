@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("Fold")
struct FoldTests {
    private let id: AggregateID

    init() throws {
        id = try AggregateID("parcel", key: "P-1")
    }

    @Test("before the first event there is the initial state at version 0")
    func initial() {
        let snapshot = Fold<Parcel>(id).snapshot
        #expect(snapshot.id == id)
        #expect(snapshot.version == 0)
        #expect(!snapshot.exists)
        #expect(snapshot.state == Parcel())
        #expect(snapshot.createdAt == nil)
        #expect(snapshot.updatedAt == nil)
    }

    @Test("events are folded in order; the first gives the time of creation, the last the head")
    func inOrder() throws {
        var fold = Fold<Parcel>(id)
        var events: [JournalEvent] = []
        for version in 1...3 as ClosedRange<Int64> {
            var event = JournalEvent.sample(version: version, type: "scanned")
            event.recordedAt = BSONDate(milliseconds: 1_000 * version)
            events.append(event)
            try fold.apply(event.document(data: ["at": .datetime(BSONDate(milliseconds: version))]))
        }
        #expect(fold.version == 3)
        #expect(fold.headID == events[2].id)
        #expect(fold.state.scans == 3)
        #expect(fold.state.lastScanAt == BSONDate(milliseconds: 3).date)
        #expect(fold.snapshot.exists)
        #expect(fold.snapshot.createdAt == Date(timeIntervalSince1970: 1))
        #expect(fold.snapshot.updatedAt == Date(timeIntervalSince1970: 3))
    }

    @Test("nothing follows the largest version: an error, and no trap")
    func largestVersion() throws {
        var fold = Fold<Parcel>(id)
        fold.version = .max
        for version in [Int64.max, .min, 1] {
            let error = #expect(throws: DaybookError.self) {
                try fold.apply(JournalEvent.sample(version: version).document(data: [:]))
            }
            #expect(error?.code == .damagedJournal)
        }
        let next = #expect(throws: DaybookError.self) {
            try BSONDocument().withBorrowed { try fold.apply(type: "lost", schema: 1, data: $0) }
        }
        #expect(next?.code == .damagedJournal)
        #expect(next?.version == .max)
        #expect(fold.version == .max)
    }

    @Test(
        "an event that is not the next is a damaged journal, and changes nothing",
        arguments: [-1, 0, 1, 2, 4, 5, .max] as [Int64])
    func gap(version: Int64) throws {
        var fold = Fold<Parcel>(id)
        for version in 1...2 as ClosedRange<Int64> {
            try fold.apply(JournalEvent.sample(version: version).document(data: [:]))
        }
        let before = fold.snapshot
        let error = #expect(throws: DaybookError.self) {
            try fold.apply(JournalEvent.sample(version: version).document(data: [:]))
        }
        #expect(error?.code == .damagedJournal)
        #expect(error?.aggregateID == "parcel/P-1")
        #expect(error?.version == 3)
        #expect(error?.message.contains("event \(version)") == true)
        #expect(fold.snapshot == before)
        #expect(throws: Never.self) { try fold.apply(JournalEvent.sample(version: 3).document(data: [:])) }
    }

    @Test("an event that cannot be decoded changes nothing, and its version is named")
    func unknown() throws {
        var fold = Fold<Parcel>(id)
        try fold.apply(JournalEvent.sample(version: 1).document(data: [:]))
        let before = (fold.snapshot, fold.headID)
        let cases: [(JournalEvent, DaybookError.Code)] = [
            (.sample(version: 2, type: "renewed"), .unknownEvent), (.sample(version: 2, schema: 2), .unknownEvent),
            (.sample(version: 2, type: "packed"), .unreadableEvent),
        ]
        for (event, code) in cases {
            let error = #expect(throws: DaybookError.self) { try fold.apply(event.document(data: [:])) }
            #expect(error?.code == code)
            #expect(error?.version == 2)
            #expect(error?.aggregateID == "parcel/P-1")
            #expect((fold.snapshot, fold.headID) == before)
        }
    }

    @Test("a fold applies what is stored: a date as it is read back, to the millisecond")
    func storedForm() throws {
        var fold = Fold<Parcel>(id)
        let exact = Date(timeIntervalSince1970: 1_700_000_000.123_456)
        _ = try AggregateChange([Parcel.Event.scanned(at: exact)], fold)
        let stored = try EventCoding<Parcel>().encode(.scanned(at: exact))
        try stored.data.withBorrowed { try fold.apply(type: stored.type, schema: 1, data: $0) }
        #expect(fold.state.lastScanAt == BSONDate(milliseconds: 1_700_000_000_123).date)
        #expect(fold.state.lastScanAt != exact)
    }
}
