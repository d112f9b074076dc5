internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What a commit will append to one aggregate, before the commit has an id.
struct AggregateDraft: Sendable {
    struct Event: Sendable {
        var type: String
        var schema: Int32
        var data: BSONDocument
        var commandID: String?
    }

    let aggregateID: AggregateID
    let snapshots: Namespace
    let stateSchema: Int32
    /// The version the events come after, and the id of the event there.
    let version: Int64
    let headID: UUID?
    var createdAt: BSONDate?
    /// The snapshot that stood there; nil when there was none.
    let stored: BorrowedSnapshot.Identity?
    private(set) var events: [Event] = []
    /// The commands among them, with the version that each led to.
    private(set) var commands: [String: Int64] = [:]
    /// The encoded state after `events`.
    private(set) var state = BSONDocument()

    init<A: Aggregate>(_ loaded: Loaded<A>, snapshots: Namespace) {
        aggregateID = loaded.fold.id
        self.snapshots = snapshots
        stateSchema = A.stateSchema
        version = loaded.fold.version
        headID = loaded.fold.headID
        createdAt = loaded.fold.createdAt
        stored = loaded.stored
    }

    /// Adds what was decided, folding it into `fold` from its encoded form.
    ///
    /// - Throws: ``DaybookError/Code/notEncodable``, ``DaybookError/Code/unreadableEvent`` when an event does not survive being encoded and
    ///   decoded.
    mutating func append<A: Aggregate>(_ decided: [A.Event], commandID: String?, folding fold: inout Fold<A>) throws {
        for (index, event) in decided.enumerated() {
            let (type, data) = try EventCoding<A>.encode(event)
            try data.withBorrowed { try fold.apply(type: type, schema: EventCoding<A>.schema, data: $0) }
            events.append(Event(type: type, schema: EventCoding<A>.schema, data: data, commandID: index == 0 ? commandID : nil))
        }
        if let commandID { commands[commandID] = fold.version }
        state = try fold.encodedState()
    }
}

/// An aggregate that a transaction only reads, and that must not change before its commit.
struct AggregateGuard: Sendable {
    let aggregateID: AggregateID
    let snapshots: Namespace
    /// The version that was read.
    let version: Int64
    /// The snapshot at that version, to put in place where none is; nil at version 0.
    let snapshot: BSONDocument?

    init<A: Aggregate>(_ fold: Fold<A>, snapshots: Namespace) throws {
        aggregateID = fold.id
        self.snapshots = snapshots
        version = fold.version
        guard let headID = fold.headID, let createdAt = fold.createdAt, let updatedAt = fold.updatedAt else {
            snapshot = nil
            return
        }
        snapshot = try StoredSnapshot(
            aggregateID: fold.id, version: fold.version, state: try fold.encodedState(), stateSchema: A.stateSchema,
            headID: headID, createdAt: createdAt, updatedAt: updatedAt
        ).document()
    }
}

/// A commit as it is sent, and sent again until its outcome is known: always the same documents with the same ids.
struct PreparedCommit: Sendable {
    struct Change: Sendable {
        var aggregateID: AggregateID
        var versions: ClosedRange<Int64>
        var firstEventID: UUID
        var snapshots: Namespace
        var snapshot: BSONDocument
        var stateSchema: Int32
        var stored: BorrowedSnapshot.Identity?
    }

    let id: UUID
    let recordedAt: BSONDate
    let events: [BSONDocument]
    let changes: [Change]
    let guards: [AggregateGuard]

    /// Gives the commit its id and time, and builds every document of it.
    ///
    /// - Parameters:
    ///   - drafts: Each with at least one event, each of another aggregate.
    ///   - guards: None of an aggregate that has a draft: a change protects it already.
    /// - Throws: ``DaybookError/Code/tooLarge`` when an event or a snapshot is over MongoDB's limit of 16 MiB; nothing was sent.
    init(_ drafts: [AggregateDraft], guards: [AggregateGuard] = [], clock: CommitClock) throws {
        self.guards = guards
        let count = Int32(clamping: drafts.reduce(0) { $0 + $1.events.count })
        let commitID = clock.nextCommitID(after: drafts.compactMap { $0.headID.map(EventID.init) })
        id = commitID.uuid
        recordedAt = BSONDate(milliseconds: Int64(commitID.milliseconds))
        var events: [BSONDocument] = []
        var changes: [Change] = []
        for draft in drafts {
            let first = draft.version + 1
            let firstEventID = try Self.eventID(events.count, of: commitID)
            var headID = firstEventID
            for (offset, event) in draft.events.enumerated() {
                headID = try Self.eventID(events.count, of: commitID)
                let version = first + Int64(offset)
                let document = try JournalEvent(
                    id: headID, aggregateID: draft.aggregateID.rawValue, version: version, type: event.type, schema: event.schema,
                    recordedAt: recordedAt, commit: .init(id: id, index: Int32(events.count), count: count),
                    metadata: EventMetadata(commandID: event.commandID)
                ).document(data: event.data)
                try Self.check(document, "event \(version) of type \"\(event.type)\"", draft.aggregateID, version)
                events.append(document)
            }
            let versions = first...(draft.version + Int64(draft.events.count))
            let snapshot = try StoredSnapshot(
                aggregateID: draft.aggregateID, version: versions.upperBound, state: draft.state, stateSchema: draft.stateSchema,
                headID: headID, createdAt: draft.createdAt ?? recordedAt, updatedAt: recordedAt
            ).document()
            try Self.check(snapshot, "the snapshot at version \(versions.upperBound)", draft.aggregateID, versions.upperBound)
            changes.append(
                Change(
                    aggregateID: draft.aggregateID, versions: versions, firstEventID: firstEventID, snapshots: draft.snapshots,
                    snapshot: snapshot, stateSchema: draft.stateSchema, stored: draft.stored))
        }
        self.events = events
        self.changes = changes
    }

    /// What it appended to each aggregate, once it is in the journal.
    var commits: [Commit] {
        changes.map { Commit(id: id, aggregateID: $0.aggregateID, versions: $0.versions, recordedAt: recordedAt.date) }
    }

    private static func eventID(_ index: Int, of commit: EventID) throws -> UUID {
        guard let id = commit.advanced(by: UInt64(index)) else {
            throw DaybookError(.tooLarge, "a commit cannot have so many events: \(index)")
        }
        return id.uuid
    }

    private static func check(_ document: BSONDocument, _ what: String, _ id: AggregateID, _ version: Int64) throws {
        guard document.bytes.count > maximumDocumentBytes else { return }
        throw DaybookError(
            .tooLarge,
            "\(what) has \(document.bytes.count) bytes; MongoDB stores at most \(maximumDocumentBytes). Nothing was written.",
            aggregateID: id.rawValue, version: version)
    }
}
