internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What a commit will append to one aggregate, before the commit has an id.
struct AggregateChange: Sendable {
    let aggregateID: AggregateID
    /// Nil where the snapshot is not written by the commit.
    let kind: (any AggregateKind)?
    /// The version that the events come after, and the id of the event at that version.
    let version: Int64
    let headID: UUID?
    private let createdAt: BSONDate?
    private let basis: SnapshotBasis
    /// The snapshot that a rival has stored since, if the event that the journal had after the loaded snapshot was a
    /// rival's commit.
    var rival: BorrowedSnapshot.Identity?
    private(set) var events: [EventContent] = []
    /// Those commands of the change that have an id, by ``CommandIdentity/key``.
    private(set) var commands: [BSONValue: CommandEffect] = [:]
    /// The encoded state after `events`; nil where no snapshot is kept and the state cannot be encoded.
    private(set) var state: BSONDocument?
    /// Whether a snapshot of that state is kept.
    private(set) var keepsSnapshot = true

    init<A: Aggregate>(_ loaded: Loaded<A>, of kind: (any AggregateKind)?) {
        aggregateID = loaded.fold.id
        self.kind = kind
        version = loaded.fold.version
        headID = loaded.fold.headID
        createdAt = loaded.fold.createdAt
        basis = loaded.basis
    }

    private var lifecycle: Lifecycle { kind?.lifecycle ?? .live }

    /// Appends what was decided, and folds it into `fold` from its encoded form.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``, ``DaybookError/Code/unreadableEvent`` when an event does not
    ///   survive being encoded and decoded.
    mutating func append<A: Aggregate>(
        _ decided: [EventContent], command: CommandIdentity, folding fold: inout Fold<A>
    ) throws {
        state = decided.count > 1 ? try foldInSeveral(decided, &fold) : try foldIn(decided, &fold)
        let first = events.endIndex
        events += decided
        if first < events.endIndex { events[first].command = command }
        if let key = command.key { commands[key] = CommandEffect(identity: command, version: fold.version) }
        keepsSnapshot = fold.keepsSnapshot
    }

    /// Folds several events into `fold`, and again where it became known only after them that the states compute
    /// dates. This keeps a copy of the state, and so the next change has to copy all of it.
    private func foldInSeveral<A: Aggregate>(
        _ decided: [EventContent], _ fold: inout Fold<A>
    ) throws -> BSONDocument? {
        let before = fold
        let state = try foldIn(decided, &fold)
        guard fold.isUncertain else { return state }
        fold = before
        return try foldIn(decided, &fold)
    }

    /// Folds events into `fold`.
    ///
    /// - Returns: The encoded state after them; nil where no snapshot is kept and the state cannot be encoded.
    private func foldIn<A: Aggregate>(_ decided: [EventContent], _ fold: inout Fold<A>) throws -> BSONDocument? {
        for (index, event) in decided.enumerated() {
            try event.data.withBorrowed { try fold.apply(type: event.type, schema: event.schema, data: $0) }
            let isLast = index == decided.count - 1
            if !isLast, fold.coding.computedDates.isDue(UInt8(truncatingIfNeeded: fold.version)) {
                _ = try? fold.normalize()
            }
        }
        return lifecycle == .live ? try? fold.normalize() : try fold.normalize()
    }

    /// The write of the snapshot, once the last event has an id and a time; nil where none is stored.
    ///
    /// - Throws: ``DaybookError/Code/tooLarge``
    func snapshotWrite(headID: UUID, recordedAt: BSONDate) throws -> SnapshotWrite? {
        guard let kind, let state, lifecycle != .live else { return nil }
        let snapshot = StoredSnapshot(
            aggregateID: aggregateID, version: version + Int64(events.count), state: state,
            stateSchema: kind.stateSchema, headID: headID, createdAt: createdAt ?? recordedAt, updatedAt: recordedAt)
        return try SnapshotWrite(
            snapshot, of: kind, where: lifecycle == .inline ? .unchanged : .newer, basis: basis, rival: rival,
            isKept: keepsSnapshot)
    }
}
