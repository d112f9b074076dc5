internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

/// Catches up the snapshots whose writers died between journal and snapshot, for one kind of aggregate of the lifecycle
/// `async`.
///
/// It follows the journal's tail and, a little after each event, looks whether the snapshot has come. One
/// process at a time does so, by a lease; its place is a checkpoint. Where there is none, or it is older than what the
/// server still knows, it first compares all.
struct SnapshotProjector<A: Aggregate>: Sendable {
    /// What was seen of the journal in one interval.
    private struct Interval {
        /// The last version of each aggregate.
        var heads: [AggregateID: Int64] = [:]
        /// The place after it.
        var token: ResumeToken?
    }

    /// How long a writer has for its own snapshots, at least.
    private static var grace: Duration { .seconds(1) }
    /// How many aggregates are compared in one query.
    private static var batch: Int { 500 }
    /// How many snapshots are made on one connection, between two looks at the lease.
    private static var portion: Int { 50 }
    /// How often the place is saved while nothing happens.
    private static var quietInterval: Duration { .seconds(5) }
    /// Aggregates in one interval, at most.
    private static var maximumHeads: Int { 10_000 }

    private let repository: Repository<A>
    private let holder: String

    private var store: DaybookStore { repository.store }
    private var name: String { CollectionName.snapshots(of: A.type.rawValue) }
    private var checkpoint: Checkpoint { Checkpoint(name: name, database: store.database) }

    init(_ repository: Repository<A>, holder: String) {
        self.repository = repository
        self.holder = holder
    }

    /// Works until its task is cancelled; faults are logged, and it starts again after them.
    func run() async {
        let worker = LeasedWorker(client: store.client, database: store.database)
        while !Task.isCancelled {
            do {
                let lease = try await store.client.withConnection(.single) {
                    try Lease.acquire(name, holder: holder, in: store.database, on: $0)
                }
                guard let lease else {
                    try await Task.sleep(for: Lease.duration / 3)
                    continue
                }
                try await worker.run(holding: [lease]) { try await follow(lease, $0) }
            } catch let error as DaybookError where error.underlying is LeaseLost {
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

    private func follow(_ lease: Lease, _ held: LeasedWorker.Held) async throws {
        let start = try await store.client.withConnection(.single) { try checkpoint.claim(by: lease, on: $0) }
        do {
            try await follow(from: start, lease, held)
        } catch let error as JournalPlaceLost {
            store.telemetry.logger.warning(
                "the server no longer knows the place up to which snapshots were followed; all are compared",
                [.aggregateType: A.type, .error: "\(error.underlying)"])
            try await store.client.withConnection(.single) { try checkpoint.forget(by: lease, on: $0) }
            try await follow(from: nil, lease, held)
        }
    }

    private func follow(from start: ResumeToken?, _ lease: Lease, _ held: LeasedWorker.Held) async throws {
        let reader = store.tail.reader(types: [A.type], after: start)
        try await reader.open()
        // After the opening, so that nothing is missed in between.
        if start == nil { try await compareAll(held) }
        var (previous, current) = (Interval(), Interval())
        var (due, saveDue) = (ContinuousClock.now + Self.grace, ContinuousClock.now + Self.quietInterval)
        while true {
            let element = try await reader.next()
            if case .change(.event(let event), _) = element, let head = event.head {
                current.heads[head.id] = max(current.heads[head.id] ?? 0, head.version)
            }
            current.token = element.token
            guard ContinuousClock.now >= due || current.heads.count >= Self.maximumHeads else { continue }
            try await catchUp(previous.heads, held)
            // A quiet journal needs few checkpoints, but some: the place must stay among what the server knows.
            if let token = previous.token, !previous.heads.isEmpty || ContinuousClock.now >= saveDue {
                try await store.client.withConnection(.single) { try checkpoint.save(token, by: lease, on: $0) }
                saveDue = .now + Self.quietInterval
            }
            (previous, current) = (current, Interval())
            due = .now + Self.grace
        }
    }

    /// Compares every aggregate of this kind with its snapshot: the journal's keys, in order, from the index alone.
    private func compareAll(_ held: LeasedWorker.Held) async throws {
        var heads: [AggregateID: Int64] = [:]
        var last: JournalHead?
        let keys = store.client.find(
            [EventKey.aggregateID: .document(Journal.ids(of: A.type))], in: store.journal.namespace,
            options: FindOptions(
                sort: Journal.inAggregateOrder, projection: Journal.places)
        ) { JournalHead($0) }
        for try await case let head? in keys {
            if let last, last.id != head.id {
                heads[last.id] = last.version
                if heads.count >= Self.batch {
                    try await catchUp(heads, held)
                    heads = [:]
                }
            }
            last = head
        }
        if let last { heads[last.id] = last.version }
        try await catchUp(heads, held)
    }

    /// Looks which of these aggregates' snapshots lag, and writes those.
    private func catchUp(_ heads: [AggregateID: Int64], _ held: LeasedWorker.Held) async throws {
        let ids = Array(heads.keys)
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            let part = ids[start..<min(start + Self.batch, ids.count)]
            let lagging = try await store.client.withConnection(.single) { connection in
                var lagging = Set(part)
                let filter: BSONDocument = [SnapshotKey.id: ["$in": .array(part.map { .string($0.rawValue) })]]
                let options = FindOptions(projection: [SnapshotKey.version: 1, SnapshotKey.stateSchema: 1])
                try connection.find(filter, in: repository.snapshots, options: options) { document in
                    let stored = try BorrowedSnapshot(document)
                    guard let id = stored.id.flatMap({ try? AggregateID(parsing: $0) }), let head = heads[id] else {
                        return true
                    }
                    let isNewer = (stored.stateSchema ?? 0) > A.stateSchema
                    if isNewer || stored.version ?? 0 >= head { lagging.remove(id) }
                    return true
                }
                return Array(lagging)
            }
            for start in stride(from: 0, to: lagging.count, by: Self.portion) {
                try await held.require()
                let portion = Set(lagging[start..<min(start + Self.portion, lagging.count)])
                try await repository.catchUp(shown: heads.filter { portion.contains($0.key) })
            }
        }
    }
}
