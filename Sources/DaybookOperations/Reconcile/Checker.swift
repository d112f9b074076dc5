internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// How the aggregates of one target are compared with their snapshots: by all of their state, by their heads alone, or
/// by what can be seen without the application's code.
///
/// The aggregates that one worker goes through share a checker, because its coders remember what they found out about
/// the types of events.
final class Checker: Sendable {
    let target: ReconcileTarget
    /// The fields of the events that are read; nil for all.
    let projection: BSONDocument?
    /// Whether each suspect gets the snapshot that should be stored.
    let makesSnapshots: Bool
    private let fold: @Sendable (AggregateID, _ looksAtEveryState: Bool) -> any AggregateFold

    private init(
        _ target: ReconcileTarget, makesSnapshots: Bool, projection: BSONDocument? = nil,
        fold: @escaping @Sendable (AggregateID, Bool) -> any AggregateFold
    ) {
        self.target = target
        self.projection = projection
        self.makesSnapshots = makesSnapshots
        self.fold = fold
    }

    /// The one for a target, by how much the program knows of it and how deep it is to look.
    static func make(for target: ReconcileTarget, _ depth: VerifyDepth) -> Checker {
        guard let aggregate = target.aggregate else { return envelopes(target) }
        // Only the state says whether a snapshot may be absent.
        if depth == .quick, !target.mayLoseSnapshot { return quick(target) }
        return full(aggregate, of: target, makesSnapshots: depth == .full)
    }

    /// Folds the whole state, and compares every byte.
    private static func full<A: Aggregate>(_ aggregate: A.Type, of target: ReconcileTarget, makesSnapshots: Bool)
        -> Checker
    {
        let sampling = EventCoding<A>()
        let exact = EventCoding<A>(looksAtEveryState: true)
        return Checker(target, makesSnapshots: makesSnapshots) { Fold<A>($0, $1 ? exact : sampling) }
    }

    /// Reads the versions of the events from the index alone, and each snapshot's own digest.
    private static func quick(_ target: ReconcileTarget) -> Checker {
        Checker(target, makesSnapshots: false, projection: Journal.places) { id, _ in HeadFold(id: id) }
    }

    /// Reads the events' envelopes, and whether each snapshot is what was made of the head.
    static func envelopes(_ target: ReconcileTarget) -> Checker {
        Checker(target, makesSnapshots: false) { id, _ in EnvelopeFold(id: id) }
    }

    /// - Parameter looksAtEveryState: Whether the fold is exact whatever `apply` computes; see ``ComputedDates``.
    func makeFold(_ id: AggregateID, looksAtEveryState: Bool) -> any AggregateFold { fold(id, looksAtEveryState) }
}

/// What a checker makes of the events of one aggregate.
protocol AggregateFold: Sendable {
    /// Whether a state on the way was not looked at for dates that `apply` computes.
    var hasSkippedStates: Bool { get }

    /// Whether it was continued from a state that a writer did not have, because dates that `apply` computes showed too
    /// late.
    var isUncertain: Bool { get }

    /// When the last event was recorded; nil where that is not read.
    var recordedAt: BSONDate? { get }

    /// Whether a snapshot of this state is kept, as far as that can be known.
    var keepsSnapshot: Bool { get }

    /// Adds the next event.
    ///
    /// - Returns: What it says of its commit; nil where that is not read.
    /// - Throws: ``DaybookError`` when it cannot be read.
    mutating func add(_ document: BorrowedDocument) throws -> CommitMembership?

    /// Whether a snapshot that claims the version of the last event is what the journal says.
    func agrees(with snapshot: BSONDocument) throws -> Bool

    /// The snapshot at that version; nil where only the application could make it.
    func snapshotDocument() throws -> BSONDocument?
}

// Without the application's code.
extension AggregateFold {
    var hasSkippedStates: Bool { false }
    var isUncertain: Bool { false }
    var keepsSnapshot: Bool { true }
    func snapshotDocument() throws -> BSONDocument? { nil }
}

extension Fold: AggregateFold {
    var recordedAt: BSONDate? { updatedAt }

    mutating func add(_ document: BorrowedDocument) throws -> CommitMembership? {
        let event = try BorrowedEvent(document, typeBefore: typeBefore)
        typeBefore = event.type
        if let fault = try RecordingOrder(after: headID, updatedAt).fault(of: event) { throw fault }
        try apply(event)
        return CommitMembership(event)
    }

    func agrees(with snapshot: BSONDocument) throws -> Bool {
        guard let expected = try stored() else { return false }
        if snapshot.withBorrowed({ expected.isWritten(as: $0) }) { return true }
        // Few have a lock: only for them is the document made that should be stored.
        guard snapshot[SnapshotKey.lock] != nil else { return false }
        return try snapshot.withoutLock == expected.document()
    }

    func snapshotDocument() throws -> BSONDocument? { try stored()?.document() }
}

private struct EnvelopeFold: AggregateFold {
    let id: AggregateID
    private(set) var recordedAt: BSONDate?
    private var headID: UUID?

    init(id: AggregateID) {
        self.id = id
    }

    mutating func add(_ document: BorrowedDocument) throws -> CommitMembership? {
        // With commit and metadata, which nothing else reads here.
        _ = try JournalEvent(document)
        let event = try BorrowedEvent(document)
        if let fault = try RecordingOrder(after: headID, recordedAt).fault(of: event) { throw fault }
        headID = event.id
        recordedAt = event.recordedAt
        return CommitMembership(event)
    }

    func agrees(with snapshot: BSONDocument) throws -> Bool {
        try snapshot.withBorrowed { document in
            let snapshot = try BorrowedSnapshot(document)
            return snapshot.isGenuine(for: id) && snapshot.headID == headID
        }
    }
}

private struct HeadFold: AggregateFold {
    let id: AggregateID

    var recordedAt: BSONDate? { nil }

    /// Its version is all that was read, and the caller has that.
    mutating func add(_ document: BorrowedDocument) -> CommitMembership? { nil }

    func agrees(with snapshot: BSONDocument) throws -> Bool {
        try snapshot.withBorrowed { try BorrowedSnapshot($0).isGenuine(for: id) }
    }
}

/// Along an aggregate ids grow and times never run backwards; where they do not, the events were not put there by
/// commits.
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
        let last = EventID(lastID)
        let id = EventID(event.id)
        // An id that another program made, of another version, has no order.
        let isEarlier = last.isVersion7 && id.isVersion7 && id <= last
        guard isEarlier || event.recordedAt.milliseconds < lastRecordedAt.milliseconds else { return nil }
        return DaybookError(
            .damagedJournal,
            "event \(event.version) was recorded before event \(event.version &- 1), which it follows: it was not put "
                + "there by a commit",
            version: event.version)
    }
}
