internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What a reconciliation makes of the events of one aggregate: all of the state, or no more than what can be told without the application.
protocol AggregateFold: Sendable {
    /// The fields of the journal that are read; nil for all.
    static var projection: BSONDocument? { get }
    /// The declared schema of the state; nil where none is known.
    static var stateSchema: Int32? { get }

    /// What the folds of many aggregates share: it remembers what it found out about the types of their events.
    associatedtype Coding: Sendable

    /// - Parameter looksAtEveryState: Whether a fold is exact whatever `apply` computes; see ``ComputedDates``.
    static func makeCoding(looksAtEveryState: Bool) -> Coding

    init(_ id: AggregateID, _ coding: Coding)

    /// Whether a state on the way was not looked at for dates that `apply` computes.
    var hasSkippedStates: Bool { get }

    /// Whether it has gone on from a state that a writer did not have, because dates that `apply` computes showed too late.
    var isUncertain: Bool { get }

    /// When the last event taken in was recorded; nil where it is not read.
    var recordedAt: BSONDate? { get }

    /// Takes in the next event.
    ///
    /// - Returns: What it says of its commit; nil where that is not read.
    /// - Throws: ``DaybookError`` when it cannot be read.
    mutating func take(_ document: BorrowedDocument) throws -> CommitMembership?

    /// Whether a snapshot of this state is kept, as far as that can be told.
    var keepsSnapshot: Bool { get }
    /// Whether there are states of which none is.
    static var mayLoseSnapshot: Bool { get }

    /// Whether a snapshot that claims the version of the last event is what the journal says.
    func agrees(with snapshot: BSONDocument) throws -> Bool

    /// The snapshot at that version; nil where only the application could make it.
    func snapshotDocument() throws -> BSONDocument?
}

extension AggregateFold {
    // Without the application's code only a kept snapshot can be expected.
    var keepsSnapshot: Bool { true }
    static var mayLoseSnapshot: Bool { false }
}

extension BorrowedEvent {
    /// What it says of its commit.
    var membership: CommitMembership? { commit.map { CommitMembership(eventID: id, commit: $0) } }
}

extension AggregateFold where Coding == Void {
    static func makeCoding(looksAtEveryState: Bool) {}
    var hasSkippedStates: Bool { false }
    var isUncertain: Bool { false }
}

/// The whole state, folded and compared byte by byte.
extension Fold: AggregateFold {
    static var projection: BSONDocument? { nil }
    static var stateSchema: Int32? { A.stateSchema }
    static var mayLoseSnapshot: Bool { A.mayLoseSnapshot }

    static func makeCoding(looksAtEveryState: Bool) -> EventCoding<A> { EventCoding(looksAtEveryState: looksAtEveryState) }

    var recordedAt: BSONDate? { updatedAt }

    mutating func take(_ document: BorrowedDocument) throws -> CommitMembership? {
        let event = try BorrowedEvent(document, typeBefore: typeBefore)
        typeBefore = event.type
        if let fault = try RecordingOrder(after: headID, updatedAt).fault(of: event) { throw fault }
        try apply(event)
        return event.membership
    }

    func agrees(with snapshot: BSONDocument) throws -> Bool {
        guard let expected = try stored() else { return false }
        if snapshot.withBorrowed({ expected.isWritten(as: $0) }) { return true }
        // Few have a lock: only for them is the document made that should stand there.
        guard snapshot[SnapshotKey.lock] != nil else { return false }
        return try snapshot.withoutLock == expected.document()
    }

    func snapshotDocument() throws -> BSONDocument? { try stored()?.document() }
}

/// The events' envelopes, and whether the snapshot is what someone made of the head: what can be told of any application's data.
struct EnvelopeFold: AggregateFold {
    static var projection: BSONDocument? { nil }
    static var stateSchema: Int32? { nil }

    private let id: AggregateID
    private(set) var recordedAt: BSONDate?
    private var headID: UUID?

    init(_ id: AggregateID, _ coding: Void) {
        self.id = id
    }

    mutating func take(_ document: BorrowedDocument) throws -> CommitMembership? {
        // With commit and metadata: here nothing else reads them.
        _ = try JournalEvent(document)
        let event = try BorrowedEvent(document)
        if let fault = try RecordingOrder(after: headID, recordedAt).fault(of: event) { throw fault }
        headID = event.id
        recordedAt = event.recordedAt
        return event.membership
    }

    func agrees(with snapshot: BSONDocument) throws -> Bool {
        try snapshot.withBorrowed { document in
            let snapshot = try BorrowedSnapshot(document)
            return snapshot.isGenuine(for: id) && snapshot.headID == headID
        }
    }

    func snapshotDocument() -> BSONDocument? { nil }
}

/// The head's version, read from the index alone, and the snapshot's own digest: a quick look.
struct HeadFold<A: Aggregate>: AggregateFold {
    static var projection: BSONDocument? { Journal.places }
    static var stateSchema: Int32? { A.stateSchema }

    var recordedAt: BSONDate? { nil }
    private let id: AggregateID

    init(_ id: AggregateID, _ coding: Void) {
        self.id = id
    }

    /// Its version, which is all that was read, is known.
    mutating func take(_ document: BorrowedDocument) -> CommitMembership? { nil }

    func agrees(with snapshot: BSONDocument) throws -> Bool {
        try snapshot.withBorrowed { try BorrowedSnapshot($0).isGenuine(for: id) }
    }

    func snapshotDocument() -> BSONDocument? { nil }
}

/// Along an aggregate ids grow and times never run backwards; where they do not, somebody has put events there by hand.
struct RecordingOrder {
    private let lastID: UUID?
    private let lastRecordedAt: BSONDate?

    init(after lastID: UUID?, _ lastRecordedAt: BSONDate?) {
        self.lastID = lastID
        self.lastRecordedAt = lastRecordedAt
    }

    /// Nil when `event` may follow.
    func fault(of event: BorrowedEvent) throws -> DaybookError? {
        guard let lastID, let lastRecordedAt else { return nil }
        let (last, id) = (EventID(lastID), EventID(event.id))
        // An id that another program made, of another version, has no order.
        let isBehind = last.isVersion7 && id.isVersion7 && id <= last
        guard isBehind || event.recordedAt.milliseconds < lastRecordedAt.milliseconds else { return nil }
        return DaybookError(
            .damagedJournal,
            "event \(event.version) was recorded before event \(event.version &- 1), which it follows: it was not put "
                + "there by a commit",
            version: event.version)
    }
}

extension BSONDocument {
    /// A snapshot without the field that a transaction's guard leaves in it, which says nothing.
    var withoutLock: BSONDocument {
        guard self[SnapshotKey.lock] != nil else { return self }
        var rest = BSONDocument()
        for (key, value) in fields where key != SnapshotKey.lock {
            // The fields come from a document that could be read.
            try? rest.append(key, value)
        }
        return rest
    }
}
