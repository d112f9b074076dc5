internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What a commit will append to one aggregate, before the commit has an id.
struct AggregateDraft: Sendable {
    let aggregateID: AggregateID
    let lifecycle: Lifecycle
    let snapshots: Namespace
    let stateSchema: Int32
    /// The version the events come after, and the id of the event there.
    let version: Int64
    let headID: UUID?
    var createdAt: BSONDate?
    /// The snapshot that stood there; nil when there was none.
    let stored: BorrowedSnapshot.Identity?
    /// The snapshot that a rival has put there since, if its commit is what the journal had behind the one that stood there.
    var rival: BorrowedSnapshot.Identity?
    /// Nothing was read: all of this is as the last commit from here left it.
    let isAssumed: Bool
    /// Writes the aggregate's snapshot as the journal has it, where one that was not read for it is refused; see ``SnapshotPost``.
    var catchUp: (@Sendable (isolated MongoConnection) throws -> Void)?
    private(set) var events: [EventContent] = []
    /// The commands with an id among them, with the version that each led to; by ``CommandIdentity/key``.
    private(set) var commands: [BSONValue: (identity: CommandIdentity, version: Int64)] = [:]
    /// The encoded state after `events`; nil where none is kept, and it cannot be encoded.
    private(set) var state: BSONDocument?
    /// Whether a snapshot of that state is kept.
    private(set) var keepsSnapshot = true
    /// Whether this kind of aggregate has states of which none is.
    let mayLoseSnapshot: Bool

    /// - Parameter lifecycle: `live` where the snapshot is nobody's to write yet.
    init<A: Aggregate>(_ loaded: Loaded<A>, snapshots: Namespace, lifecycle: Lifecycle = A.lifecycle) {
        aggregateID = loaded.fold.id
        self.lifecycle = lifecycle
        self.snapshots = snapshots
        stateSchema = A.stateSchema
        version = loaded.fold.version
        headID = loaded.fold.headID
        createdAt = loaded.fold.createdAt
        stored = loaded.stored
        isAssumed = loaded.isAssumed
        mayLoseSnapshot = A.mayLoseSnapshot
    }

    /// Adds what was decided, folding it into `fold` from its encoded form.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``, ``DaybookError/Code/unreadableEvent`` when an event does not survive being encoded and
    ///   decoded.
    mutating func append<A: Aggregate>(
        _ decided: [EventContent], command: CommandIdentity, folding fold: inout Fold<A>
    ) throws {
        // A copy would make the next change of the state a copy of all of it, so there is one only where it may be needed.
        let before = decided.count > 1 ? fold : nil
        state = try foldIn(decided, &fold)
        if fold.isUncertain, let before {
            fold = before
            state = try foldIn(decided, &fold)
        }
        let first = events.endIndex
        events += decided
        if first < events.endIndex { events[first].command = command }
        if let key = command.key { commands[key] = (command, fold.version) }
        keepsSnapshot = fold.keepsSnapshot
    }

    /// Folds events in.
    ///
    /// - Returns: The stored form of the state after them; nil where none is kept, and it cannot be encoded.
    private func foldIn<A: Aggregate>(_ decided: [EventContent], _ fold: inout Fold<A>) throws -> BSONDocument? {
        for (index, event) in decided.enumerated() {
            try event.data.withBorrowed { try fold.apply(type: event.type, schema: event.schema, data: $0) }
            let isLast = index == decided.count - 1
            if !isLast, fold.coding.computedDates.isDue(UInt8(truncatingIfNeeded: fold.version)) { _ = try? fold.normalize() }
        }
        return lifecycle == .live ? try? fold.normalize() : try fold.normalize()
    }
}
