internal import DaybookBSON
internal import DaybookMongo
internal import Synchronization

/// Writes the commits of many batches in a few large inserts: an import, or a population for a test.
///
/// ```swift
/// let loader = store.bulkLoader()
/// for family in families { try await loader.append(try await batch(of: family)) }
/// let report = try await loader.finish()
/// ```
///
/// It stores what the commits would have stored one by one, but a commit is no longer whole or absent: after a crash, a
/// part of it may be stored. Appending the same batches again completes it, because an identical event that is already
/// stored is skipped.
///
/// Snapshots are written after their events, in writes of their own, so a transaction's `guard` does not see a bulk
/// load: it protects against commits only.
///
/// Nothing is overwritten. The journal's unique indexes apply as for a commit, and where another event is stored,
/// ``DaybookError/Code/conflict`` is thrown. Events are inserted in order, so nothing is appended after another
/// writer's event.
///
/// Several tasks may append at a time: while one of them waits for the server, the others continue to fold. While
/// writes succeed, the loader holds at most ``eventsPerInsert`` events, and as many for each task that is writing.
///
/// One task's ``append(_:)`` also writes what other tasks have appended. When that fails, the loader keeps the events.
/// Each later ``append(_:)`` and ``finish()`` tries them again, and throws while they fail. So a load has succeeded
/// only when ``finish()`` has returned. Once the loader keeps ten times ``eventsPerInsert``, it accepts no more batches
/// until they are written.
public final class BulkLoader: Sendable {
    /// What was written and what was skipped.
    public struct Report: Sendable, Hashable {
        /// Events that were inserted.
        public var events = 0
        /// Snapshots that were written.
        public var snapshots = 0
        /// Identical events that were already stored.
        public var skippedEvents = 0
    }

    private struct Pending: Sendable {
        var events: [StoredEvent] = []
        var snapshots: [SnapshotWrite] = []
        var bytes = 0

        var isEmpty: Bool { events.isEmpty && snapshots.isEmpty }

        mutating func append(_ other: Pending) {
            events += other.events
            snapshots += other.snapshots
            bytes += other.bytes
        }

        /// Removes and returns everything, if it is enough for `inserts` inserts.
        mutating func removeAll(ifEnoughFor inserts: Int) -> Pending? {
            let isEnough = events.count >= inserts * eventsPerInsert || bytes >= inserts * bytesPerInsert
            guard isEnough else { return nil }
            defer { self = Pending() }
            return self
        }
    }

    /// How many events are gathered before they are sent.
    public static let eventsPerInsert = 1_000
    /// Or how many bytes: well below the server's limit for a message.
    private static let bytesPerInsert = 16 * 1024 * 1024

    private let store: DaybookStore
    private let pending = Mutex(Pending())
    private let totals = Mutex(Report())

    init(store: DaybookStore) {
        self.store = store
    }

    /// What was written so far.
    public var report: Report { totals.withLock { $0 } }

    /// Adds the commits of `batch`, and writes them together with others once there are enough.
    ///
    /// - Throws: ``DaybookError``: `conflict` with the aggregate and version at which another event is stored, and any
    ///   error of reaching the server. What was written stays, and what was not is tried again with the next call. That
    ///   includes this batch, so it need not be appended again. Only when the loader keeps too much of earlier batches
    ///   is this one not accepted, and the message says so. Appending a batch again is harmless: what is already stored
    ///   is skipped.
    public func append(_ batch: BulkBatch) async throws {
        try await writeBacklog()
        let (events, folds) = batch.state.withLock { ($0.events, $0.folds) }
        let snapshots = try folds.values.compactMap { try snapshot(of: $0) }
        let bytes = events.reduce(0) { $0 + $1.document.bytes.count } + snapshots.reduce(0) { $0 + $1.byteCount }
        let full = pending.withLock { pending in
            pending.append(Pending(events: events, snapshots: snapshots, bytes: bytes))
            return pending.removeAll(ifEnoughFor: 1)
        }
        if let full { try await write(full) }
    }

    /// The write of an aggregate's snapshot at its head; nil where the lifecycle keeps none.
    private func snapshot<F: AnyFold>(of fold: F) throws -> SnapshotWrite? {
        guard F.Folded.lifecycle != .live, let snapshot = try fold.stored() else { return nil }
        return try SnapshotWrite(snapshot, of: store.repository(F.Folded.self).loader, isKept: fold.keepsSnapshot)
    }

    /// Writes everything that still waits, including what an ``append(_:)`` could not write.
    ///
    /// - Returns: What was written in all.
    /// - Throws: As ``append(_:)``; the load is not complete then.
    @discardableResult
    public func finish() async throws -> Report {
        let rest = pending.withLock { $0.removeAll(ifEnoughFor: 0) }
        if let rest, !rest.isEmpty { try await write(rest) }
        return report
    }

    /// Writes what earlier calls could not, when that is so much that no more may be added.
    private func writeBacklog() async throws {
        guard let backlog = pending.withLock({ $0.removeAll(ifEnoughFor: 10) }) else { return }
        do {
            try await write(backlog)
        } catch var error as DaybookError {
            error.message =
                "the batch was not taken: \(backlog.events.count) events of earlier ones could not be written: "
                + "\(error.message)"
            throw error
        }
    }

    private func write(_ full: Pending) async throws {
        do {
            try await store.telemetry.perform("bulk") {
                try await store.client.withConnection(.single) { connection in
                    try store.committer.ready(connection)
                    var counts = EventInsertion.Counts()
                    // Count also when the rest fails: the events inserted so far will be skipped when they are tried
                    // again.
                    defer {
                        totals.withLock { totals in
                            totals.events += counts.inserted
                            totals.skippedEvents += counts.skipped
                        }
                    }
                    try EventInsertion(journal: store.journal).insert(full.events, &counts, on: connection)
                    try insert(full.snapshots, on: connection)
                }
            }
        } catch {
            // Keep everything: it includes what other tasks appended, whose calls have already returned.
            pending.withLock { pending in
                var kept = full
                kept.append(pending)
                pending = kept
            }
            throw error
        }
    }

    /// A stored snapshot that is as new stays. An older one, as after an interrupted load, is replaced.
    private func insert(_ snapshots: [SnapshotWrite], on connection: isolated MongoConnection) throws {
        for (collection, snapshots) in Dictionary(grouping: snapshots, by: \.collection) {
            for start in stride(from: 0, to: snapshots.count, by: EventInsertion.documentsPerCommand) {
                let part = Array(snapshots[start...].prefix(EventInsertion.documentsPerCommand))
                let inserts = try part.map { snapshot -> BulkOperation in
                    try snapshot.isKept ? .insert(snapshot.document()) : snapshot.guardedWrite()
                }
                let results = try SnapshotWriter(collection).write(inserts, on: connection) {
                    try part[$0].guardedWrite()
                }
                for (snapshot, result) in zip(part, results) {
                    switch result {
                    case .written: if snapshot.isKept { totals.withLock { $0.snapshots += 1 } }
                    case .superseded: break
                    case .refused(let error):
                        throw DaybookError.refused(byForeignIndex: error, of: snapshot.aggregateID)
                    case .failed(let error), .unknown(let error): throw error
                    }
                }
            }
        }
    }
}
