internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics

/// Writes snapshots after their commits, in batches, each guarded so that neither an older version nor a lower
/// `stateSchema` replaces a newer one.
///
/// If an aggregate commits faster than its snapshot is written, only its newest snapshot is. A snapshot that cannot be
/// written is dropped after some time, with a warning. It lags then, which does not affect loads.
actor SnapshotPoster {
    /// Above these limits, committers wait for the writes to catch up.
    private static let maximumPending = 10_000
    private static let maximumPendingBytes = 64 * 1024 * 1024
    private static let maximumBatch = 500
    private static let maximumBatchBytes = 8 * 1024 * 1024
    /// How long to gather more snapshots after a batch, unless a caller waits for one.
    private static let gathering = Duration.milliseconds(2)
    /// How long a batch is retried while the server cannot be reached.
    private let patience: Duration

    private struct Waiter {
        let ticket: UInt64
        let aggregateID: AggregateID
        let version: Int64
        let continuation: CheckedContinuation<Void, Never>
    }

    private let client: MongoClient
    private let telemetry: Telemetry
    private var pending: [AggregateID: SnapshotWrite] = [:]
    private var pendingBytes = 0
    /// The aggregates in `pending`, in order of arrival.
    private var order: [AggregateID] = []
    /// The versions that are being written now.
    private var flying: [AggregateID: Int64] = [:]
    private var isWriting = false
    private var lastEnd = ContinuousClock.now - gathering
    private var pause: Task<Void, Never>?
    /// The collections whose last batch was dropped. Until a batch succeeds, each batch for them is tried once, so that
    /// it delays neither other snapshots nor committers.
    private var failing: Set<Namespace> = []
    private var lastTicket: UInt64 = 0
    private var waiters: [Waiter] = []
    private var drains: [CheckedContinuation<Void, Never>] = []
    private var blocked: [CheckedContinuation<Void, Never>] = []

    init(client: MongoClient, telemetry: Telemetry, patience: Duration = .seconds(30)) {
        self.patience = patience
        self.client = client
        self.telemetry = telemetry
    }

    /// Enqueues snapshots. Returns at once, unless too many are waiting already.
    func post(_ posts: [SnapshotWrite]) async {
        while pending.count >= Self.maximumPending || pendingBytes >= Self.maximumPendingBytes {
            await withCheckedContinuation { blocked.append($0) }
        }
        for post in posts { add(post) }
        guard !isWriting, !pending.isEmpty else { return }
        isWriting = true
        Task { await write() }
    }

    /// Returns when this aggregate's snapshot at `version` or later has been written here or dropped, and at once when
    /// none is waiting. It also returns when the task is cancelled.
    func settled(_ aggregateID: AggregateID, _ version: Int64) async {
        guard !Task.isCancelled, isAwaited(aggregateID, version) || flying[aggregateID, default: 0] >= version else {
            return
        }
        pause?.cancel()
        lastTicket += 1
        let ticket = lastTicket
        await withTaskCancellationHandler {
            await withCheckedContinuation {
                waiters.append(Waiter(ticket: ticket, aggregateID: aggregateID, version: version, continuation: $0))
            }
        } onCancel: {
            Task { await self.withdraw(ticket) }
        }
    }

    /// Returns when no snapshot is waiting. A snapshot that cannot be written is dropped after one attempt.
    func drain() async {
        guard isWriting else { return }
        // A collection that has failed before gets one more attempt.
        failing = []
        pause?.cancel()
        await withCheckedContinuation { drains.append($0) }
    }

    /// How many callers wait for a snapshot.
    var waiterCount: Int { waiters.count }

    private func withdraw(_ ticket: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }) else { return }
        waiters.remove(at: index).continuation.resume()
    }

    private func add(_ post: SnapshotWrite) {
        if let earlier = pending[post.aggregateID] {
            guard earlier.version < post.version || earlier.stateSchema < post.stateSchema else { return }
            pendingBytes -= earlier.byteCount
        } else {
            order.append(post.aggregateID)
        }
        pending[post.aggregateID] = post
        pendingBytes += post.byteCount
    }

    /// Whether a snapshot at `version` or a later one is still to be written.
    private func isAwaited(_ aggregateID: AggregateID, _ version: Int64) -> Bool {
        pending[aggregateID].map { $0.version >= version } ?? false
    }

    private func write() async {
        while !order.isEmpty {
            await gather()
            let batch = takeBatch()
            flying = Dictionary(uniqueKeysWithValues: batch.map { ($0.aggregateID, $0.version) })
            for (collection, posts) in Dictionary(grouping: batch, by: \.collection) {
                await write(posts, to: collection)
            }
            let landed = flying
            flying = [:]
            lastEnd = .now
            settle(landed)
        }
        isWriting = false
        for drain in drains { drain.resume() }
        drains = []
    }

    /// Waits a moment after the last batch. A single snapshot is written at once; when one task commits again and
    /// again, several of its snapshots cost one write.
    private func gather() async {
        guard waiters.isEmpty, drains.isEmpty, pending.count < Self.maximumBatch,
            ContinuousClock.now - lastEnd < Self.gathering
        else {
            return
        }
        let pause = Task { (try? await Task.sleep(for: Self.gathering)) ?? () }
        self.pause = pause
        await pause.value
        self.pause = nil
    }

    private func takeBatch() -> [SnapshotWrite] {
        var batch: [SnapshotWrite] = []
        var bytes = 0
        for id in order {
            guard let post = pending[id] else { continue }
            let size = post.byteCount
            guard batch.isEmpty || (batch.count < Self.maximumBatch && bytes + size <= Self.maximumBatchBytes) else {
                break
            }
            batch.append(post)
            bytes += size
        }
        order.removeFirst(batch.count)
        for post in batch { pending[post.aggregateID] = nil }
        pendingBytes -= bytes
        return batch
    }

    /// Resumes the callers whose snapshots were just written. A busy aggregate may already have a later version
    /// waiting, which those callers need not wait for.
    private func settle(_ landed: [AggregateID: Int64]) {
        var left: [Waiter] = []
        for waiter in waiters {
            let hasLanded = landed[waiter.aggregateID, default: 0] >= waiter.version
            if hasLanded || !isAwaited(waiter.aggregateID, waiter.version) {
                waiter.continuation.resume()
            } else {
                left.append(waiter)
            }
        }
        waiters = left
        guard pending.count < Self.maximumPending, pendingBytes < Self.maximumPendingBytes else { return }
        for waiting in blocked { waiting.resume() }
        blocked = []
    }

    /// Writes snapshots to one collection, and retries as long as that may help. Retrying is safe: a write that took
    /// effect matches nothing the second time.
    private func write(_ posts: [SnapshotWrite], to collection: Namespace) async {
        if failing.contains(collection), !drains.isEmpty {
            for post in posts { drop(post, nil) }
            return
        }
        let deadline = ContinuousClock.now + (failing.contains(collection) ? .zero : patience)
        var backoff = Backoff()
        var left = posts
        while !left.isEmpty {
            var open: [SnapshotWrite] = []
            var reason: (any Error)?
            var doubtful: [SnapshotWrite] = []
            do {
                let posts = left
                let results = try await client.withConnection(.single) {
                    try SnapshotWriter(collection).write(posts, on: $0)
                }
                for (post, result) in zip(left, results) {
                    switch result {
                    case .written(let mayBeNew):
                        // Our insert may have come after a later commit's deletion, and brought back what that had
                        // deleted.
                        if mayBeNew, post.mayBeDeleted { doubtful.append(post) }
                        telemetry.metrics(of: post.aggregateID.type).snapshotsPosted.increment()
                    case .superseded:
                        // If the aggregate came from the cache, the stored snapshot may also be a damaged one that
                        // matches no condition.
                        if post.basis.isCached || post.kind.mayLoseSnapshot { doubtful.append(post) }
                    case .refused(let error):
                        drop(post, DaybookError.refused(byForeignIndex: error, of: post.aggregateID))
                    case .failed(let error) where !error.canBeTriedAgain: drop(post, error)
                    case .failed(let error), .unknown(let error):
                        open.append(post)
                        reason = error
                    }
                }
            } catch let error as MongoError where error.code == .closed || error.code == .unauthorized {
                for post in left { drop(post, error) }
                return
            } catch {
                open = left
                reason = error
            }
            await catchUp(doubtful)
            if reason == nil { failing.remove(collection) }
            guard !open.isEmpty else { return }
            if reason != nil, ContinuousClock.now >= deadline {
                failing.insert(collection)
                for post in open { drop(post, reason) }
                return
            }
            left = open
            await backoff.wait()
        }
    }

    /// Writes the snapshots of these aggregates from the journal.
    private func catchUp(_ doubtful: [SnapshotWrite]) async {
        for post in doubtful {
            do {
                _ = try await client.withConnection(.single) {
                    try post.kind.catchUp([post.aggregateID], writeConcern: nil, on: $0)
                }
            } catch {
                drop(post, error)
            }
        }
    }

    private func drop(_ post: SnapshotWrite, _ error: (any Error)?) {
        telemetry.metrics(of: post.aggregateID.type).snapshotsDropped.increment()
        let isRefused = (error as? DaybookError)?.code == .foreignIndex
        let remedy = isRefused ? "nothing can write it until that index lets it in" : "run() or patch catches it up"
        telemetry.logger.warning(
            "the snapshot could not be written after its commit and lags; loads are right, \(remedy)",
            [
                .aggregateID: post.aggregateID, .version: post.version, .collection: post.collection,
                .error: error.map { "\($0)" } ?? "unknown",
            ])
    }
}
