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
/// What is stored is what the commits one by one would have stored. What is given up is that each commit is whole or absent: after a crash a part
/// is there. Appending the same batches again completes it, because an event that is there already, and is the same, is skipped.
///
/// Snapshots follow their events in writes of their own, so a transaction's `guard` does not see a bulk load: it protects against commits only.
///
/// Nothing is overwritten: the journal's unique indexes decide as ever, and where something else stands ``DaybookError/Code/conflict`` is thrown.
/// Events go in order, so nothing is appended behind somebody else's.
///
/// Several tasks may append at a time: while one of them waits for the server, the others go on folding. It holds at most
/// ``eventsPerInsert`` events, and as many for each task that is writing, while writes succeed.
///
/// One task's ``append(_:)`` writes what other tasks have handed in. Where that fails nothing is lost: the loader keeps it, and each later
/// ``append(_:)`` and ``finish()`` tries it again, and throws while it fails. So a load has succeeded when ``finish()`` has returned. Once it
/// keeps ten times ``eventsPerInsert``, it takes no batch more before they are written.
public final class BulkLoader: Sendable {
    /// What came of it.
    public struct Report: Sendable, Hashable {
        /// Events that were inserted.
        public var events = 0
        /// Snapshots that were written.
        public var snapshots = 0
        /// Events that were there already, and the same.
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

        /// Takes all out, where it is enough for so many inserts.
        mutating func removeAll(ifEnoughFor inserts: Int) -> Pending? {
            let isEnough = events.count >= inserts * eventsPerInsert || bytes >= inserts * bytesPerInsert
            guard isEnough else { return nil }
            defer { self = Pending() }
            return self
        }
    }

    /// How many events wait until they are sent.
    public static let eventsPerInsert = 1_000
    /// Or how many bytes, well under what a server takes in a message.
    private static let bytesPerInsert = 16 * 1024 * 1024

    private let store: DaybookStore
    private let pending = Mutex(Pending())
    private let totals = Mutex(Report())

    init(store: DaybookStore) {
        self.store = store
    }

    /// What was written so far.
    public var report: Report { totals.withLock { $0 } }

    /// Takes the commits of `batch`, and writes them together with others when enough have come.
    ///
    /// - Throws: ``DaybookError``: `conflict` with the aggregate and version at which something else is stored; what keeps the server from being
    ///   reached. What was written stays, and what was not is tried again with the next call, this batch too: there is no need to append it again.
    ///   Only where the loader keeps too much of earlier ones is the batch not taken, and the message says so. To append one again does no harm:
    ///   what is there already is skipped.
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

    /// The snapshot of an aggregate at its head; nil where none is kept.
    private func snapshot<F: AnyFold>(of fold: F) throws -> SnapshotWrite? {
        guard F.Folded.lifecycle != .live, let snapshot = try fold.stored() else { return nil }
        return try SnapshotWrite(snapshot, of: store.repository(F.Folded.self).loader, isKept: fold.keepsSnapshot)
    }

    /// Writes what still waits, also what an ``append(_:)`` could not write.
    ///
    /// - Returns: What was written in all.
    /// - Throws: As ``append(_:)``; the load is not complete then.
    @discardableResult
    public func finish() async throws -> Report {
        let rest = pending.withLock { $0.removeAll(ifEnoughFor: 0) }
        if let rest, !rest.isEmpty { try await write(rest) }
        return report
    }

    /// Writes what earlier calls could not, when it is so much that no more is to be added.
    private func writeBacklog() async throws {
        guard let backlog = pending.withLock({ $0.removeAll(ifEnoughFor: 10) }) else { return }
        do {
            try await write(backlog)
        } catch var error as DaybookError {
            error.message =
                "the batch was not taken: \(backlog.events.count) events of earlier ones could not be written: \(error.message)"
            throw error
        }
    }

    private func write(_ full: Pending) async throws {
        do {
            try await store.telemetry.perform("bulk") {
                try await store.client.withConnection(.single) { connection in
                    try store.ready(connection)
                    var counts = EventInsertion.Counts()
                    // Counted also where the rest fails: of what is tried again, that is what is skipped.
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
            // It holds what other tasks have handed in, and their calls have returned.
            pending.withLock { pending in
                var kept = full
                kept.append(pending)
                pending = kept
            }
            throw error
        }
    }

    /// A snapshot that is there already stays when it is as new, and is replaced when it is older, as after an interrupted load.
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
