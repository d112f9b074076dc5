internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// A commit as it is sent, and sent again until its outcome is known: always the same documents with the same ids.
final class PreparedCommit: Sendable {
    struct Change: Sendable {
        var aggregateID: AggregateID
        var lifecycle: Lifecycle
        var versions: ClosedRange<Int64>
        var firstEventID: UUID
        var lastEventID: UUID
        /// Nil where no snapshot is kept.
        var snapshot: SnapshotPost?
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
    ///   - context: Recorded with every event.
    /// - Throws: ``DaybookError/Code/tooLarge`` when an event or a snapshot is over MongoDB's limit of 16 MiB; nothing was sent.
    init(
        _ drafts: [AggregateDraft], guards: [AggregateGuard] = [], context: CommandContext = .none, clock: CommitClock
    ) throws {
        self.guards = guards
        let count = Int32(clamping: drafts.reduce(0) { $0 + $1.events.count })
        let heads = drafts.lazy.compactMap { $0.headID.map(EventID.init) }
        let commitID = clock.nextCommitID(after: heads)
        guard heads.allSatisfy({ !$0.isVersion7 || $0 < commitID }) else {
            throw DaybookError(
                .damagedJournal,
                "the id of its last event has the last time that an id can have, so no event can follow it: it was made by a broken clock, "
                    + "or by something other than a commit",
                aggregateID: drafts.first?.aggregateID.rawValue, version: drafts.first?.version)
        }
        id = commitID.uuid
        recordedAt = BSONDate(milliseconds: Int64(commitID.milliseconds))
        var events: [BSONDocument] = []
        var changes: [Change] = []
        events.reserveCapacity(Int(count))
        changes.reserveCapacity(drafts.count)
        for draft in drafts {
            let first = draft.version + 1
            let firstEventID = try Self.eventID(events.count, of: commitID)
            var headID = firstEventID
            for (offset, event) in draft.events.enumerated() {
                headID = try Self.eventID(events.count, of: commitID)
                let version = first + Int64(offset)
                let document = try JournalEvent(
                    id: headID, aggregateID: draft.aggregateID.rawValue, version: version, type: event.type,
                    schema: event.schema, recordedAt: recordedAt,
                    commit: .init(id: id, index: Int32(events.count), count: count),
                    metadata: EventMetadata(
                        commandID: event.command?.id, commandName: event.command?.name, commandDigest: event.command?.digest,
                        context: context)
                ).document(data: event.data)
                try BSONDocument.check(
                    document, "event \(version) of type \"\(event.type)\"", draft.aggregateID, version)
                events.append(document)
            }
            let versions = first...(draft.version + Int64(draft.events.count))
            var snapshot: SnapshotPost?
            if draft.lifecycle != .live, let state = draft.state {
                let stored = StoredSnapshot(
                    aggregateID: draft.aggregateID, version: versions.upperBound, state: state,
                    stateSchema: draft.stateSchema, headID: headID, createdAt: draft.createdAt ?? recordedAt,
                    updatedAt: recordedAt)
                snapshot = try SnapshotPost(
                    stored, collection: draft.snapshots, stored: draft.stored, rival: draft.rival, isKept: draft.keepsSnapshot,
                    mayLoseSnapshot: draft.mayLoseSnapshot, isAssumed: draft.isAssumed,
                    isSentAtOnce: draft.lifecycle == .inline, catchUp: draft.catchUp)
            }
            changes.append(
                Change(
                    aggregateID: draft.aggregateID, lifecycle: draft.lifecycle, versions: versions, firstEventID: firstEventID,
                    lastEventID: headID, snapshot: snapshot))
        }
        self.events = events
        self.changes = changes
    }

    /// What it appended to each aggregate, once it is in the journal.
    var commits: [Commit] {
        changes.map { Commit(id: id, aggregateID: $0.aggregateID, versions: $0.versions, recordedAt: recordedAt.date) }
    }

    /// The snapshots that are written behind it.
    var posts: [SnapshotPost] {
        changes.compactMap { $0.lifecycle == .async ? $0.snapshot : nil }
    }

    private static func eventID(_ index: Int, of commit: EventID) throws -> UUID {
        guard let id = commit.advanced(by: UInt64(index)) else {
            throw DaybookError(.tooLarge, "a commit cannot have so many events: \(index)")
        }
        return id.uuid
    }
}
