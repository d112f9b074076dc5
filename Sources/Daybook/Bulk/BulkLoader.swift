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
        var snapshots: [SnapshotPost] = []
        var bytes = 0

        var isEmpty: Bool { events.isEmpty && snapshots.isEmpty }

        mutating func append(_ other: Pending) {
            events += other.events
            snapshots += other.snapshots
            bytes += other.bytes
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
        let snapshots = try folds.values.compactMap { try $0.post(to: store.database) }
        let full = pending.withLock { pending -> Pending? in
            for event in events {
                pending.events.append(event)
                pending.bytes += event.document.bytes.count
            }
            for snapshot in snapshots {
                pending.snapshots.append(snapshot)
                pending.bytes += snapshot.byteCount
            }
            guard pending.events.count >= Self.eventsPerInsert || pending.bytes >= Self.bytesPerInsert else {
                return nil
            }
            defer { pending = Pending() }
            return pending
        }
        if let full { try await write(full) }
    }

    /// Writes what still waits, also what an ``append(_:)`` could not write.
    ///
    /// - Returns: What was written in all.
    /// - Throws: As ``append(_:)``; the load is not complete then.
    @discardableResult
    public func finish() async throws -> Report {
        let rest = pending.withLock { pending in
            defer { pending = Pending() }
            return pending
        }
        if !rest.isEmpty { try await write(rest) }
        return report
    }

    /// Writes what earlier calls could not, when it is so much that no more is to be added.
    private func writeBacklog() async throws {
        let backlog = pending.withLock { pending -> Pending? in
            guard pending.events.count >= 10 * Self.eventsPerInsert || pending.bytes >= 10 * Self.bytesPerInsert else {
                return nil
            }
            defer { pending = Pending() }
            return pending
        }
        guard let backlog else { return }
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

    /// Whether the document's place was taken; everything else that is not done is thrown.
    private func isDuplicate(_ outcome: BulkResult.Outcome, _ id: AggregateID) throws -> Bool {
        switch outcome {
        case .done: return false
        case .failed(let error) where error.isOfForeignIndex: throw DaybookError.refused(byForeignIndex: error, of: id)
        case .failed(let error) where error.code == .duplicateKey: return true
        case .failed(let error), .unknown(let error): throw error
        case .notSent:
            throw DaybookError(.unavailable, "a bulk write ended before its end; do it again, what is there is skipped")
        }
    }

    /// A snapshot that is there already stays when it is as new, and is replaced when it is older, as after an interrupted load.
    private func insert(_ snapshots: [SnapshotPost], on connection: isolated MongoConnection) throws {
        for (namespace, snapshots) in Dictionary(grouping: snapshots, by: \.collection) {
            let kept = snapshots.filter(\.isKept)
            let outcomes = try send(kept.map { .insert(try $0.document()) }, to: namespace, on: connection)
            // An earlier load that was interrupted may have left the snapshot of an earlier state.
            var standing = snapshots.filter { !$0.isKept }
            for (snapshot, outcome) in zip(kept, outcomes) {
                if try isDuplicate(outcome, snapshot.aggregateID) {
                    standing.append(snapshot)
                } else {
                    totals.withLock { $0.snapshots += 1 }
                }
            }
            guard !standing.isEmpty else { continue }
            let writes = try send(standing.map { try $0.guardedWrite() }, to: namespace, on: connection)
            for (snapshot, outcome) in zip(standing, writes) {
                if try !isDuplicate(outcome, snapshot.aggregateID), snapshot.isKept { totals.withLock { $0.snapshots += 1 } }
            }
        }
    }

    private func send(
        _ operations: [BulkOperation], to namespace: Namespace, on connection: isolated MongoConnection
    ) throws -> [BulkResult.Outcome] {
        var outcomes: [BulkResult.Outcome] = []
        for start in stride(from: 0, to: operations.count, by: EventInsertion.documentsPerCommand) {
            let part = operations[start..<min(start + EventInsertion.documentsPerCommand, operations.count)]
            outcomes += try connection.bulkWrite(Array(part), ordered: false, in: namespace).outcomes
        }
        return outcomes
    }
}
