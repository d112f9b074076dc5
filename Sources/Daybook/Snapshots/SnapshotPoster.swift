internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics

/// Writes snapshots behind their commits, in batches, each guarded so that neither an older version nor a lower `stateSchema` replaces a newer
/// one.
///
/// Of an aggregate that commits faster than its snapshot is written, only the newest is. What cannot be written is given up after some time,
/// with a warning: the snapshot lags then, which loads do not mind.
actor SnapshotPoster {
    /// Beyond these, who commits waits for the writes to catch up.
    private static let maximumPending = 10_000
    private static let maximumPendingBytes = 64 * 1024 * 1024
    private static let maximumBatch = 500
    private static let maximumBatchBytes = 8 * 1024 * 1024
    /// How long a batch is tried for while the server cannot be reached.
    private static let patience = Duration.seconds(30)

    private struct Waiter {
        let aggregateID: AggregateID
        let version: Int64
        let continuation: CheckedContinuation<Void, Never>
    }

    private let client: MongoClient
    private let telemetry: Telemetry
    private var pending: [AggregateID: SnapshotPost] = [:]
    private var pendingBytes = 0
    /// In the order in which their aggregates came.
    private var order: [AggregateID] = []
    /// What is being written now.
    private var flying: [AggregateID: Int64] = [:]
    private var isWriting = false
    private var waiters: [Waiter] = []
    private var drains: [CheckedContinuation<Void, Never>] = []
    private var blocked: [CheckedContinuation<Void, Never>] = []

    init(client: MongoClient, telemetry: Telemetry) {
        self.client = client
        self.telemetry = telemetry
    }

    /// Takes snapshots to write. Returns at once, unless too much is waiting already.
    func post(_ posts: [SnapshotPost]) async {
        while pending.count >= Self.maximumPending || pendingBytes >= Self.maximumPendingBytes {
            await withCheckedContinuation { blocked.append($0) }
        }
        for post in posts { add(post) }
        guard !isWriting, !pending.isEmpty else { return }
        isWriting = true
        Task { await write() }
    }

    /// Returns when no snapshot of an aggregate up to `version` is waiting to be written here.
    func settled(_ aggregateID: AggregateID, _ version: Int64) async {
        guard isUnderWay(aggregateID, version) else { return }
        await withCheckedContinuation {
            waiters.append(Waiter(aggregateID: aggregateID, version: version, continuation: $0))
        }
    }

    /// Returns when nothing is waiting to be written.
    func drain() async {
        guard isWriting else { return }
        await withCheckedContinuation { drains.append($0) }
    }

    private func add(_ post: SnapshotPost) {
        if let earlier = pending[post.aggregateID] {
            guard earlier.version < post.version || earlier.stateSchema < post.stateSchema else { return }
            pendingBytes -= earlier.document.bytes.count
        } else {
            order.append(post.aggregateID)
        }
        pending[post.aggregateID] = post
        pendingBytes += post.document.bytes.count
    }

    private func isUnderWay(_ aggregateID: AggregateID, _ version: Int64) -> Bool {
        // A later version under way settles an earlier one too.
        flying[aggregateID] != nil || pending[aggregateID] != nil
    }

    private func write() async {
        while !order.isEmpty {
            let batch = takeBatch()
            flying = Dictionary(uniqueKeysWithValues: batch.map { ($0.aggregateID, $0.version) })
            for (collection, posts) in Dictionary(grouping: batch, by: \.collection) { await write(posts, to: collection) }
            flying = [:]
            settle()
        }
        isWriting = false
        for drain in drains { drain.resume() }
        drains = []
    }

    private func takeBatch() -> [SnapshotPost] {
        var batch: [SnapshotPost] = []
        var bytes = 0
        for id in order {
            guard let post = pending[id] else { continue }
            let size = post.document.bytes.count
            guard batch.isEmpty || (batch.count < Self.maximumBatch && bytes + size <= Self.maximumBatchBytes) else { break }
            batch.append(post)
            bytes += size
        }
        order.removeFirst(batch.count)
        for post in batch { pending[post.aggregateID] = nil }
        pendingBytes -= bytes
        return batch
    }

    private func settle() {
        let settled = waiters.filter { !isUnderWay($0.aggregateID, $0.version) }
        waiters.removeAll { !isUnderWay($0.aggregateID, $0.version) }
        for waiter in settled { waiter.continuation.resume() }
        guard pending.count < Self.maximumPending, pendingBytes < Self.maximumPendingBytes else { return }
        for waiting in blocked { waiting.resume() }
        blocked = []
    }

    /// Writes posts of one collection, again and again while that may help: a write that has taken effect matches nothing the second time.
    private func write(_ posts: [SnapshotPost], to collection: Namespace) async {
        let deadline = ContinuousClock.now + Self.patience
        var backoff = Backoff()
        var left = posts
        while !left.isEmpty {
            let writes = left.map(\.guardedWrite)
            var open: [SnapshotPost] = []
            var reason: (any Error)?
            do {
                let result = try await client.withConnection(.single) { connection in
                    try connection.bulkWrite(writes, ordered: false, in: collection)
                }
                for (post, outcome) in zip(left, result.outcomes) {
                    switch outcome {
                    case .done: telemetry.metrics(of: post.aggregateID.type).snapshotsPosted.increment()
                    // A newer one is there.
                    case .failed(let error) where error.code == .duplicateKey: break
                    case .failed(let error) where !error.canBeTriedAgain: drop(post, error)
                    case .failed(let error), .unknown(let error):
                        open.append(post)
                        reason = error
                    case .notSent: open.append(post)
                    }
                }
            } catch let error as MongoError where error.code == .closed || error.code == .unauthorized {
                for post in left { drop(post, error) }
                return
            } catch {
                open = left
                reason = error
            }
            guard !open.isEmpty else { return }
            guard ContinuousClock.now < deadline else {
                for post in open { drop(post, reason) }
                return
            }
            left = open
            await backoff.wait()
        }
    }

    private func drop(_ post: SnapshotPost, _ error: (any Error)?) {
        telemetry.metrics(of: post.aggregateID.type).snapshotsDropped.increment()
        telemetry.logger.warning(
            "the snapshot could not be written behind its commit and lags; loads are right, run() or patch catches it up",
            [
                .aggregateID: post.aggregateID, .version: post.version, .collection: post.collection,
                .error: error.map { "\($0)" } ?? "unknown",
            ])
    }
}
