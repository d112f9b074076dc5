internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

/// Catches up the snapshots whose writers died between journal and snapshot, for one kind of aggregate of the lifecycle `async`.
///
/// It follows the journal by a change stream and, a little behind each event, looks whether the snapshot has come. One process at a time does
/// so, by a lease; its place is a checkpoint. Where there is none, or it is older than what the server still knows, it first compares all.
struct SnapshotProjector<A: Aggregate>: Sendable {
    /// What was seen of the journal in one interval.
    private struct Interval {
        /// The last version of each aggregate.
        var heads: [AggregateID: Int64] = [:]
        /// The place behind it.
        var token: ResumeToken?
    }

    /// How long a writer has for its own snapshots, at least.
    private static var grace: Duration { .seconds(1) }
    /// How many aggregates are compared in one query.
    private static var batch: Int { 500 }
    /// How many snapshots are made on one connection, between two looks at the lease.
    private static var portion: Int { 50 }
    /// Aggregates in one interval, at most.
    private static var maximumHeads: Int { 10_000 }

    private let repository: Repository<A>
    private let holder: String

    private var store: DaybookStore { repository.store }
    private var name: String { CollectionName.snapshots(of: A.type.rawValue) }

    init(_ repository: Repository<A>, holder: String) {
        self.repository = repository
        self.holder = holder
    }

    /// Works until its task is cancelled; faults are logged, and it goes on behind them.
    func run() async {
        while !Task.isCancelled {
            do {
                let lease = try await store.client.withConnection(.single) {
                    try Lease.acquire(name, holder: holder, in: store.database, clock: store.clock, on: $0)
                }
                guard let lease else {
                    try await Task.sleep(for: .seconds(Lease.duration / 3))
                    continue
                }
                do {
                    try await follow(lease)
                } catch {
                    // In a task of its own, because this one may have been cancelled.
                    await Task {
                        try? await store.client.withConnection(.single) {
                            try lease.release(in: store.database, clock: store.clock, on: $0)
                        }
                    }.value
                    throw error
                }
            } catch is LeaseLost {
                continue
            } catch is CancellationError {
                return
            } catch let error as MongoError where error.code == .closed {
                return
            } catch {
                let error = DaybookError.enriching(error, operation: "project", aggregateID: nil)
                store.telemetry.logger.warning(
                    "catching up snapshots failed, and starts again", [.aggregateType: A.type, .error: "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func follow(_ lease: Lease) async throws {
        let checkpoint = Checkpoint(name: name, database: store.database, clock: store.clock)
        let start = try await store.client.withConnection(.single) { try checkpoint.load(on: $0) }
        do {
            try await follow(from: start, checkpoint, lease)
        } catch let error as MongoError where error.losesPlace(isResumed: start != nil) {
            // The oplog has rolled past the place, or the journal was dropped or renamed: at the opening or, as the stream comes to that, later.
            store.telemetry.logger.warning(
                "the server no longer knows the place up to which snapshots were followed; all are compared",
                [.aggregateType: A.type, .error: "\(error)"])
            try await store.client.withConnection(.single) { try checkpoint.forget(on: $0) }
            try await follow(from: nil, checkpoint, lease)
        }
    }

    private func follow(from start: ResumeToken?, _ checkpoint: Checkpoint, _ lease: Lease) async throws {
        let stream = store.journalHeads(of: A.type, after: start).makeAsyncIterator()
        try await stream.open()
        // Behind the opening, so that nothing is missed in between.
        var hold = Hold(lease)
        if start == nil { try await compareAll(&hold) }
        var (previous, current) = (Interval(), Interval())
        var due = ContinuousClock.now + Self.grace
        while let element = try await stream.next() {
            if case .change(let head?, _) = element {
                current.heads[head.id] = max(current.heads[head.id] ?? 0, head.version)
            }
            current.token = element.token
            guard ContinuousClock.now >= due || current.heads.count >= Self.maximumHeads else { continue }
            try await settle(previous.heads, &hold)
            // A quiet journal needs few checkpoints, but some: the place must stay among what the server knows.
            if !previous.heads.isEmpty || hold.isDue {
                let token = previous.token
                try await renew(&hold)
                if let token { try await store.client.withConnection(.single) { try checkpoint.save(token, on: $0) } }
            }
            (previous, current) = (current, Interval())
            due = .now + Self.grace
        }
    }

    /// The lease, and when it is to be renewed: well before its time is over, also in the middle of long work.
    private struct Hold {
        let lease: Lease
        var nextRenewal = ContinuousClock.now + .seconds(Lease.duration / 3)

        init(_ lease: Lease) { self.lease = lease }

        var isDue: Bool { ContinuousClock.now >= nextRenewal }
    }

    private struct LeaseLost: Error {}

    /// - Throws: ``LeaseLost``: another process does the work by now.
    private func renew(_ hold: inout Hold) async throws {
        let lease = hold.lease
        let isHeld = try await store.client.withConnection(.single) {
            try lease.renew(in: store.database, clock: store.clock, on: $0)
        }
        guard isHeld else { throw LeaseLost() }
        hold.nextRenewal = .now + .seconds(Lease.duration / 3)
    }

    /// Compares every aggregate of this kind with its snapshot: the journal's keys, in order, from the index alone.
    private func compareAll(_ hold: inout Hold) async throws {
        var heads: [AggregateID: Int64] = [:]
        var last: JournalHead?
        let keys = store.client.find(
            [EventKey.aggregateID: .document(Journal.ids(of: A.type))], in: store.journal.namespace,
            options: FindOptions(
                sort: Journal.inAggregateOrder, projection: Journal.places)
        ) { JournalHead($0) }
        for try await case let head? in keys {
            if hold.isDue { try await renew(&hold) }
            if let last, last.id != head.id {
                heads[last.id] = last.version
                if heads.count >= Self.batch {
                    try await settle(heads, &hold)
                    heads = [:]
                }
            }
            last = head
        }
        if let last { heads[last.id] = last.version }
        try await settle(heads, &hold)
    }

    /// Looks which of these aggregates' snapshots are behind, and writes those.
    private func settle(_ heads: [AggregateID: Int64], _ hold: inout Hold) async throws {
        let ids = Array(heads.keys)
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            let part = ids[start..<min(start + Self.batch, ids.count)]
            let behind = try await store.client.withConnection(.single) { connection in
                var behind = Set(part)
                let filter: BSONDocument = [SnapshotKey.id: ["$in": .array(part.map { .string($0.rawValue) })]]
                let options = FindOptions(projection: [SnapshotKey.version: 1, SnapshotKey.stateSchema: 1])
                try connection.find(filter, in: repository.snapshots, options: options) { document in
                    let stored = try BorrowedSnapshot(document)
                    guard let id = stored.id.flatMap({ try? AggregateID(parsing: $0) }), let head = heads[id] else { return true }
                    let isNewer = (stored.stateSchema ?? 0) > A.stateSchema
                    if isNewer || stored.version ?? 0 >= head { behind.remove(id) }
                    return true
                }
                return Array(behind)
            }
            for start in stride(from: 0, to: behind.count, by: Self.portion) {
                if hold.isDue { try await renew(&hold) }
                let portion = Set(behind[start..<min(start + Self.portion, behind.count)])
                try await repository.catchUp(shown: heads.filter { portion.contains($0.key) })
            }
        }
    }
}
