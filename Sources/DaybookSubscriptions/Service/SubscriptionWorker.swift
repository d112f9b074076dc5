internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics
internal import Synchronization

/// Delivers the events of a subscription's partitions in one process.
///
/// The processes share the partitions: each acquires the leases of at most its part of them, and looks a few times per
/// lease whether its part has changed. Then it ends its work, releases its leases, and begins anew.
struct SubscriptionWorker: Sendable {
    let store: DaybookStore
    let subscription: Subscription
    let holder: String

    /// How often a process says that it shares the work, and looks what has changed.
    private static let interval = Lease.duration / 3
    /// How often the position of an idle subscription is saved.
    private static let idleInterval = Duration.seconds(60)
    /// How often every posting is compared with the journal.
    private static let auditInterval = Duration.seconds(3600)

    private var name: SubscriptionName { subscription.name }
    private var storage: SubscriptionStorage { SubscriptionStorage(name, in: store.database) }
    private var logger: Logger { store.telemetry.logger }

    /// Works until its task is cancelled; faults are logged, and it starts again after them.
    func run() async {
        let metrics = DeliveryMetrics(name, store.telemetry)
        defer { subscription.monitor.ended() }
        var failures = 0
        var lastLoss: ContinuousClock.Instant?
        while !Task.isCancelled {
            do {
                if try await !work(metrics) { try await Task.sleep(for: Self.interval) }
                failures = 0
            } catch  where error is PartitionsLost || (error as? DaybookError)?.underlying is LeaseLost {
                // After rebuilds it takes a few attempts until the leases have greater epochs: that is said once.
                let isNews = lastLoss.map { .now - $0 > Lease.duration } ?? true
                lastLoss = .now
                if isNews {
                    logger.notice(
                        "the delivery begins anew: another process has some of the partitions, or the view was replaced",
                        metadata: ["subscription": "\(name)"])
                }
            } catch  where HandlingError.endsWork(error) {
                break
            } catch {
                let error = DaybookError.enriching(error, operation: "subscription", aggregateID: nil)
                subscription.monitor.failed(error)
                logger.warning(
                    "delivering events to a subscription failed, and starts again",
                    [.subscription: name, .error: "\(error)"])
                failures = min(failures + 1, 5)
                try? await Task.sleep(for: .seconds(1 << (failures - 1)))
            }
        }
        // In a task of its own, because this one was cancelled. If it fails, the others wait for a lease's duration.
        await Task {
            try? await store.client.withConnection(.single) {
                try SubscriptionRecord.leave(name, holder: holder, in: store.database, on: $0)
            }
        }.value
    }

    /// Works at this process's part of the partitions until that changes.
    ///
    /// - Returns: False when there is nothing to do now.
    private func work(_ metrics: DeliveryMetrics) async throws -> Bool {
        let record = try await join()
        if case .posted = subscription.handler, try await ProjectionBuild.continues(record, subscription, store, holder)
        {
            return true
        }
        if record.version > subscription.version, subscription.monitor.isFirstSight(of: record.version) {
            logger.notice(
                "a newer program has raised the subscription's version; this one delivers nothing to it",
                metadata: ["subscription": "\(name)", "version": "\(record.version)"])
        }
        guard isDelivered(record) else { return false }
        let leases = try await acquire(share(of: record), of: record)
        guard !leases.isEmpty else { return false }
        metrics.leases.increment(by: leases.count)
        let worker = LeasedWorker(client: store.client, database: store.database)
        return try await worker.run(holding: Array(leases.values)) { _ in
            let (progress, positions) = try await store.client.withConnection(.single) {
                try PartitionProgress.claim(leases, of: record.partitions, in: storage, on: $0)
            }
            // Read after the claim: what changes the state makes an earlier claim's writes fail.
            let record = try await join()
            guard isDelivered(record) else { return false }
            try await deliver(record, progress, positions, metrics)
            return true
        }
    }

    private func join() async throws -> SubscriptionRecord {
        try await store.client.withConnection(.single) {
            try SubscriptionRecord.join(subscription, holder: holder, in: store.database, on: $0)
        }
    }

    private func isDelivered(_ record: SubscriptionRecord) -> Bool {
        record.state == .live && record.pause == nil && record.version == subscription.version
    }

    /// How many partitions a process has, at most.
    private func share(of record: SubscriptionRecord) -> Int {
        let members = max(1, record.members.count)
        return (record.partitions + members - 1) / members
    }

    private func acquire(_ count: Int, of record: SubscriptionRecord) async throws -> [Int: Lease] {
        // Each process begins elsewhere, so that they seldom ask for the same.
        let start = record.members.firstIndex(of: holder).map { $0 * count } ?? 0
        var leases: [Int: Lease] = [:]
        for offset in 0..<record.partitions where leases.count < count {
            let partition = (start + offset) % record.partitions
            leases[partition] = try await store.client.withConnection(.single) {
                try Lease.acquire(storage.partitionName(partition), holder: holder, in: store.database, on: $0)
            }
        }
        return leases
    }

    // MARK: Delivering

    /// What the tasks of one piece of work tell each other.
    private final class Signals: Sendable {
        struct State {
            /// Whether the part of this process has changed.
            var isOver = false
            var isFollowing = false
            /// The last audit that an operator has asked for.
            var audit: Int64
        }

        let state: Mutex<State>

        init(audit: Int64) {
            state = Mutex(State(audit: audit))
        }

        var isOver: Bool { state.withLock { $0.isOver } }
    }

    private func deliver(
        _ record: SubscriptionRecord, _ progress: PartitionProgress, _ positions: [Int: FeedPosition],
        _ metrics: DeliveryMetrics
    ) async throws {
        let signals = Signals(audit: record.audit)
        let held = Set(progress.epochs.keys)
        let count = record.partitions
        var selection = FeedSelection(types: subscription.types)
        if held.count < count {
            selection.isWanted = { id in held.contains(Partitions.index(of: id, count: count)) }
        }
        let start = positions.count == held.count ? FeedPosition.earliest(of: positions.values) : nil
        let feed = FeedAhead(JournalFeed(of: store.tail, from: start, wanting: selection))
        switch subscription.handler {
        case .posted(let handler):
            let delivery = PostedDelivery(
                store: store, name: name, handler: handler, storage: storage, progress: progress, metrics: metrics)
            try await work(
                beside: [
                    { try await watch(held.count, signals, feed) },
                    { [selection] in try await audit(by: delivery, selection, signals) },
                ]
            ) {
                try await follow(feed, metrics, signals) {
                } delivering: {
                    try await delivery.deliver($0, to: $1) { signals.isOver }
                }
            }
        case .positioned(let handler):
            let delivery = try await PositionedDelivery(
                store: store, name: name, handler: handler, progress: progress, metrics: metrics)
            try await work(beside: [{ try await watch(held.count, signals, feed) }]) { [selection] in
                var isFirst = true
                try await follow(feed, metrics, signals) {
                    // Another process has the parked aggregates of its partitions in memory.
                    for letter in try await lettersToRetry(includingUnknown: isFirst, selection) {
                        try await delivery.retry(letter)
                    }
                    isFirst = false
                    subscription.monitor.parked(delivery.parkedCount)
                } delivering: {
                    try await delivery.deliver($0, to: $1)
                }
            }
        }
    }

    /// Runs `main` to its end, and `others` beside it; an error of any ends all.
    private func work(
        beside others: [@Sendable () async throws -> Void], _ main: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            defer { group.cancelAll() }
            for other in others {
                group.addTask {
                    try await other()
                    return false
                }
            }
            group.addTask {
                try await main()
                return true
            }
            while let isOver = try await group.next(), !isOver {}
        }
    }

    /// - Parameter tend: Called about once a second, between two batches.
    private func follow(
        _ feed: FeedAhead, _ metrics: DeliveryMetrics, _ signals: Signals, _ tend: () async throws -> Void,
        delivering deliver: ([JournalFeed.StoredDocument], FeedPosition) async throws -> Void
    ) async throws {
        let monitor = subscription.monitor
        let begun = ContinuousClock.now
        var saveDue = begun
        var tendDue = begun
        while !signals.isOver {
            if ContinuousClock.now >= tendDue {
                try await tend()
                tendDue = .now + .seconds(1)
            }
            guard let batch = try await feed.next() else { return }
            let wasFollowing = signals.state.withLock { state in
                defer { state.isFollowing = batch.isFollowing }
                return state.isFollowing
            }
            // The place was lost, and the new scan begins ten minutes before it. What a clock that was further off has
            // written, or a hand, an audit finds.
            if wasFollowing, !batch.isFollowing { monitor.auditIsDue() }
            if !batch.events.isEmpty {
                monitor.began()
                let start = ContinuousClock.now
                try await store.telemetry.perform("deliver") { try await deliver(batch.events, batch.position) }
                // It may have stopped before the last of them, so the position after them must not be saved.
                guard !signals.isOver else { return }
                metrics.duration.record(duration: ContinuousClock.now - start)
                saveDue = min(saveDue, .now + Self.interval)
            } else if batch.isFollowing {
                metrics.lag.record(0)
            }
            if ContinuousClock.now >= saveDue {
                // The place of an idle feed must stay among what the server knows.
                try await deliver([], batch.position)
                saveDue = .now + Self.idleInterval
            }
            // Before the first events, a feed often brings none: that does not show that these can be delivered.
            if !batch.events.isEmpty || ContinuousClock.now > begun + Self.interval { monitor.finished() }
        }
    }

    /// Looks after this process's part of the work until it has changed. The task that delivers finishes the transaction
    /// or the events that it has begun, and does not wait for others.
    private func watch(_ held: Int, _ signals: Signals, _ feed: FeedAhead) async throws {
        while try await !hasChanged(held, signals) {}
        signals.state.withLock { $0.isOver = true }
        await feed.end()
    }

    /// Says that this process shares the work, and looks whether its part has changed.
    private func hasChanged(_ held: Int, _ signals: Signals) async throws -> Bool {
        try await Task.sleep(for: Self.interval)
        let (record, free) = try await Patience.around {
            let record = try await join()
            let names = (0..<record.partitions).map { BSONValue.string(storage.partitionName($0)) }
            // By the server's clock, as the leases themselves.
            let taken: BSONDocument = [
                "_id": ["$in": .array(names)], "$expr": ["$gt": ["$expiresAt", "$$NOW"]],
            ]
            let leases = Namespace(database: store.database, collection: ControlCollection.leases.rawValue)
            let count = try await store.client.withConnection(.single) { try $0.count(taken, in: leases) }
            return (record, record.partitions - count)
        }
        signals.state.withLock { $0.audit = record.audit }
        let share = share(of: record)
        return !isDelivered(record) || held > share || (held < share && free > 0)
    }

    // MARK: Beside the delivery

    /// Compares the postings with the journal once the feed has caught up, then on a schedule and when an operator asks
    /// for it, and delivers what is missing. Between audits, it tries again what an operator wants to be tried again.
    private func audit(
        by delivery: PostedDelivery, _ selection: FeedSelection, _ signals: Signals
    ) async throws {
        var isFirst = true
        while true {
            let state = signals.state.withLock { $0 }
            if state.isFollowing, subscription.monitor.isAuditDue(state.audit, every: Self.auditInterval) {
                try await audit(by: delivery, selection)
                subscription.monitor.audited(state.audit)
            }
            for letter in try await lettersToRetry(includingUnknown: isFirst, selection) {
                try await delivery.retry(letter)
            }
            isFirst = false
            // Not the postings, which are as many as the aggregates.
            let parked = try await store.client.withConnection(.single) {
                try $0.count(
                    ["subscription": .string(name.rawValue)], in: DeadLetter.namespace(in: store.database))
            }
            subscription.monitor.parked(parked)
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func audit(by delivery: PostedDelivery, _ selection: FeedSelection) async throws {
        var handled = 0
        var wrong = 0
        try await PostingAudit(store: store, types: subscription.types, postings: storage.postings).run { finding in
            guard let id = finding.id, finding.kind == .behind else {
                // What is of no aggregate belongs to no partition, so each process names it.
                if finding.id.map({ selection.isWanted?($0) ?? true }) ?? true { wrong += 1 }
                return
            }
            guard selection.isWanted?(id) ?? true else { return }
            if !finding.isParked { handled += try await delivery.drain(id, through: finding.head) }
        }
        if handled > 0 {
            logger.notice("an audit has delivered \(handled) events of \(name)")
        }
        if wrong > 0 {
            logger.warning(
                "postings are ahead of the journal, or of no aggregate; see subscriptions verify",
                [.subscription: name, .count: wrong])
        }
    }

    /// The parked aggregates that an operator wants to be tried again.
    ///
    /// - Parameter unknown: Whether also those whose event another program did not know: this one may know it.
    private func lettersToRetry(
        includingUnknown unknown: Bool, _ selection: FeedSelection
    ) async throws -> [DeadLetter] {
        var wanted: [BSONValue] = [["retry": ["$exists": true]]]
        if unknown { wanted.append(["code": .string(DaybookError.Code.unknownEvent.rawValue)]) }
        let filter: BSONDocument = ["subscription": .string(name.rawValue), "$or": .array(wanted)]
        return try await store.client.withConnection(.single) {
            try DeadLetter.find(filter, limit: 1_000, in: store.database, on: $0)
        }.filter { letter in letter.id.map { selection.isWanted?($0) ?? true } ?? false }
    }
}
