internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// A commit as it is sent, and sent again until its outcome is known: always the same documents with the same ids.
final class PreparedCommit: Sendable {
    struct Change: Sendable {
        var aggregateID: AggregateID
        var versions: ClosedRange<Int64>
        var firstEventID: UUID
        var lastEventID: UUID
        /// Nil where no snapshot is written with the commit or after it.
        var snapshot: SnapshotWrite?
    }

    let id: UUID
    let recordedAt: BSONDate
    let events: [BSONDocument]
    let changes: [Change]
    let guards: [AggregateGuard]

    /// Assigns the commit its id and time, and builds all of its documents.
    ///
    /// - Parameters:
    ///   - decided: Each has at least one event, and each is of another aggregate.
    ///   - guards: None of them is of an aggregate that is changed, because the change protects it already.
    ///   - context: Recorded with every event.
    ///   - now: The time, by the server's clock.
    ///   - random: 64 random bits, for the commit's id.
    /// - Throws: ``DaybookError/Code/tooLarge`` when an event exceeds 15 MiB, or a snapshot MongoDB's limit of 16 MiB;
    ///   nothing was sent.
    init(
        _ decided: [AggregateChange], guards: [AggregateGuard] = [], context: CommandContext = .none, at now: Date,
        random: () -> UInt64
    ) throws {
        self.guards = guards
        let count = Int32(clamping: decided.reduce(0) { $0 + $1.events.count })
        let heads = decided.lazy.compactMap { $0.headID.map(EventID.init) }
        let commitID = EventID.next(after: heads, at: now, random: random)
        guard heads.allSatisfy({ !$0.isVersion7 || $0 < commitID }) else {
            throw DaybookError(
                .damagedJournal,
                "the id of its last event has the last time that an id can have, so no event can follow it: it was "
                    + "made by a broken clock, or by something other than a commit",
                aggregateID: decided.first?.aggregateID.rawValue, version: decided.first?.version)
        }
        id = commitID.uuid
        recordedAt = BSONDate(milliseconds: Int64(commitID.milliseconds))
        var events: [BSONDocument] = []
        var changes: [Change] = []
        events.reserveCapacity(Int(count))
        changes.reserveCapacity(decided.count)
        for change in decided {
            let first = change.version + 1
            let firstEventID = try Self.eventID(events.count, of: commitID)
            var headID = firstEventID
            for (offset, event) in change.events.enumerated() {
                headID = try Self.eventID(events.count, of: commitID)
                let version = first + Int64(offset)
                let document = try JournalEvent(
                    id: headID, aggregateID: change.aggregateID.rawValue, version: version, type: event.type,
                    schema: event.schema, recordedAt: recordedAt,
                    commit: .init(id: id, index: Int32(events.count), count: count),
                    metadata: EventMetadata(
                        commandID: event.command?.id, commandName: event.command?.name,
                        commandDigest: event.command?.digest,
                        context: context)
                ).document(data: event.data)
                try BSONDocument.check(
                    document, "event \(version) of type \"\(event.type)\"", change.aggregateID, version,
                    limit: maximumEventBytes)
                events.append(document)
            }
            let versions = first...(change.version + Int64(change.events.count))
            changes.append(
                Change(
                    aggregateID: change.aggregateID, versions: versions, firstEventID: firstEventID,
                    lastEventID: headID, snapshot: try change.snapshotWrite(headID: headID, recordedAt: recordedAt)))
        }
        self.events = events
        self.changes = changes
    }

    /// Assigns the time and the randomness of the store's clock, which the commit's ids then advance.
    convenience init(
        _ decided: [AggregateChange], guards: [AggregateGuard] = [], context: CommandContext, by clock: ServerClock
    ) throws {
        try self.init(decided, guards: guards, context: context, at: clock.now(), random: clock.random)
        if let last = changes.last { clock.observe(EventID(last.lastEventID)) }
    }

    /// The public form of what it appends to each aggregate.
    var commits: [Commit] {
        changes.map { Commit(id: id, aggregateID: $0.aggregateID, versions: $0.versions, recordedAt: recordedAt.date) }
    }

    /// The snapshots to write within the commit, or after it.
    func snapshots(where condition: SnapshotWrite.Condition) -> [SnapshotWrite] {
        changes.compactMap { $0.snapshot?.condition == condition ? $0.snapshot : nil }
    }

    private static func eventID(_ index: Int, of commit: EventID) throws -> UUID {
        guard let id = commit.advanced(by: UInt64(index)) else {
            throw DaybookError(.tooLarge, "a commit cannot have so many events: \(index)")
        }
        return id.uuid
    }
}
