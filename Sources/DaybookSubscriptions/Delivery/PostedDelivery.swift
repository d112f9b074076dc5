internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics

/// Hands events to a handler so that each takes effect exactly once, in the order of its versions along its aggregate:
/// what the handler writes, the postings and the partitions' position are one transaction.
struct PostedDelivery: Sendable {
    let store: DaybookStore
    let name: SubscriptionName
    let handler: any PostedHandler
    let storage: SubscriptionStorage
    /// The partitions that this process holds; nil for a repair that an operator has ordered, which the postings alone
    /// keep exact.
    let progress: PartitionProgress?
    let metrics: DeliveryMetrics
    let limit = BatchLimit()

    init(
        store: DaybookStore, name: SubscriptionName, handler: any PostedHandler, storage: SubscriptionStorage,
        progress: PartitionProgress?, metrics: DeliveryMetrics
    ) {
        self.store = store
        self.name = name
        self.handler = handler
        self.storage = storage
        self.progress = progress
        self.metrics = metrics
    }

    /// What one transaction has brought.
    private struct Attempt {
        /// Aggregates of which events are missing before those that were given, with the last version of these.
        var gaps: [AggregateID: Int64] = [:]
        var hasSaved = false
    }

    /// Handles those of these events that were not handled yet, and notes the position after them.
    ///
    /// - Parameters:
    ///   - events: In the feed's order. What no writer of Daybook has written is left out.
    ///   - isOver: Asked between two transactions; when it is true, the events that are left come again later.
    func deliver(
        _ events: [JournalFeed.StoredDocument], to position: FeedPosition, until isOver: () -> Bool = { false }
    ) async throws {
        var rest = events.filter { $0.head != nil }[...]
        repeat {
            let part = rest.prefix(limit.events)
            do {
                try await deliver(part: Array(part), to: part.count == rest.count ? position : nil)
                rest = rest.dropFirst(part.count)
                limit.grow()
            } catch  where part.count > 1 && HandlingError.isOfTransaction(error) {
                metrics.retries.increment()
                limit.shrink(after: part.count)
            }
        } while !rest.isEmpty && !isOver()
    }

    /// - Parameter position: Nil when events before it are still to be handled: what comes again after a crash is dropped.
    private func deliver(part events: [JournalFeed.StoredDocument], to position: FeedPosition?) async throws {
        // Aggregates that are handled alone, after the others, with the last version that was given.
        var alone: [AggregateID: Int64] = [:]
        var hasSaved = false
        while true {
            let batch = events.filter { event in event.head.map { alone[$0.id] == nil } ?? false }
            guard !batch.isEmpty else { break }
            do {
                let attempt = try await post(batch.count) { [alone] connection in
                    try await self.attempt(batch, to: alone.isEmpty ? position : nil, on: connection)
                }
                hasSaved = attempt.hasSaved
                alone.merge(attempt.gaps) { max($0, $1) }
                break
            } catch let failure as EventFailure
                where !HandlingError.endsWork(failure) && !HandlingError.isOfTheServer(failure)
            {
                guard let head = batch[failure.index].head else { throw failure }
                alone[head.id] = last(of: head.id, in: batch)
            } catch  where batch.count > 1 && HandlingError.isOfTransaction(error) {
                throw error
            } catch  where !HandlingError.endsWork(error) && !HandlingError.isOfTheServer(error) {
                // It is not known which event is the cause.
                for event in batch { if let head = event.head { alone[head.id] = last(of: head.id, in: batch) } }
            }
        }
        for (id, version) in alone.sorted(by: { $0.key < $1.key }) { try await drain(id, through: version) }
        if !hasSaved || events.isEmpty, let progress, let position {
            try await Patience.around {
                try await store.client.withConnection(.single) { try progress.save(position, on: $0) }
            }
        }
    }

    private func last(of id: AggregateID, in batch: [JournalFeed.StoredDocument]) -> Int64 {
        batch.reduce(0) { last, event in
            guard let head = event.head, head.id == id else { return last }
            return max(last, head.version)
        }
    }

    private func attempt(
        _ batch: [JournalFeed.StoredDocument], to position: FeedPosition?, on connection: isolated MongoConnection
    ) async throws -> Attempt {
        let postings = try Posting.find(Set(batch.compactMap { $0.head?.id }), in: storage.postings, on: connection)
        var attempt = Attempt()
        var taken: [Int] = []
        var versions: [AggregateID: Int64] = [:]
        for (index, event) in batch.enumerated() {
            guard let head = event.head, postings[head.id]?.parked == nil else { continue }
            let posted = versions[head.id] ?? postings[head.id]?.version ?? 0
            if attempt.gaps[head.id] != nil || head.version > posted + 1 {
                attempt.gaps[head.id] = max(attempt.gaps[head.id] ?? 0, head.version)
            } else if head.version == posted + 1 {
                taken.append(index)
                versions[head.id] = head.version
            }
        }
        do {
            try await handle(taken.map { batch[$0].document }, on: connection)
        } catch let failure as EventFailure {
            throw EventFailure(index: taken[failure.index], error: failure.error)
        }
        try Posting.advance(versions, from: postings, in: storage.postings, on: connection)
        attempt.hasSaved = attempt.gaps.isEmpty && position != nil
        // The position of the other partitions is earlier then, which is safe: what comes again is left out.
        try progress?.save(attempt.gaps.isEmpty ? position : nil, for: versions.keys, on: connection)
        return attempt
    }

    private func handle(_ documents: [BSONDocument], on connection: isolated MongoConnection) async throws {
        guard !documents.isEmpty else { return }
        let events = try EventSlice.events(documents)
        try await handler.handle(events, in: storage, on: connection)
        metrics.delivered.increment(by: events.count)
        if let last = events.last { metrics.lag.record(max(0, store.clock.now().timeIntervalSince(last.recordedAt))) }
    }

    // MARK: One aggregate

    /// Handles the events of one aggregate up to `last` that were not handled yet, read from the journal. An event that
    /// cannot be handled parks it.
    ///
    /// - Parameter letter: What parked it until now; nil for nothing.
    /// - Returns: How many were handled.
    @discardableResult
    func drain(_ id: AggregateID, through last: Int64, retrying letter: DeadLetter? = nil) async throws -> Int {
        var count = 0
        var attempts = 0
        var limit = EventSlice.count
        while true {
            try Task.checkCancellation()
            do {
                let handled = try await post(limit) { [limit] connection in
                    try await drain(id, through: last, limit: limit, on: connection)
                }
                guard handled > 0 else { return count }
                count += handled
                (attempts, limit) = (0, min(limit * 2, EventSlice.count))
            } catch  where limit > 1 && HandlingError.isOfTransaction(error) {
                metrics.retries.increment()
                limit /= 2
            } catch  where !HandlingError.endsWork(error) && !HandlingError.isOfTheServer(error) {
                let failure = error as? EventFailure
                if let index = failure?.index, index > 0 {
                    // Those before it first.
                    limit = index
                    continue
                }
                guard limit == 1 || failure != nil else {
                    limit = 1
                    continue
                }
                limit = 1
                attempts += 1
                // The event is not its cause: the transaction of a killed process may hold documents for a minute.
                // https://www.mongodb.com/docs/manual/reference/parameters/#mongodb-parameter-param.transactionLifetimeLimitSeconds
                if HandlingError.isOfTransaction(error) { throw error }
                let cause = HandlingError.cause(of: error)
                guard attempts <= HandlingError.pauses.count, !HandlingError.isPermanent(cause) else {
                    try await park(id, after: cause, attempts: attempts, retrying: letter)
                    return count
                }
                metrics.retries.increment()
                try await Task.sleep(for: HandlingError.pauses[attempts - 1])
            }
        }
    }

    private func drain(
        _ id: AggregateID, through last: Int64, limit: Int, on connection: isolated MongoConnection
    ) async throws -> Int {
        let postings = try Posting.find([id], in: storage.postings, on: connection)
        let posted = postings[id]?.version ?? 0
        guard postings[id]?.parked == nil, posted < last else { return 0 }
        let slice = try EventSlice.read(id, after: posted, through: last, limit: limit, of: store, on: connection)
        try await handle(slice.documents, on: connection)
        let reached = posted + Int64(slice.documents.count)
        try Posting.advance([id: reached], from: postings, in: storage.postings, on: connection)
        try progress?.save(nil, for: [id], on: connection)
        return slice.documents.count
    }

    /// Parks an aggregate at its next event.
    private func park(
        _ id: AggregateID, after error: any Error, attempts: Int, retrying letter: DeadLetter?
    ) async throws {
        let now = store.clock.now()
        let isNew = try await post { connection in
            let posting = try Posting.find([id], in: storage.postings, on: connection)[id]
            guard posting?.parked == nil else { return false }
            let isNew = try DeadLetter.park(
                id, after: posting?.version ?? 0, error: error, attempts: attempts, following: letter, at: now,
                in: storage, of: store, on: connection)
            try progress?.save(nil, for: [id], on: connection)
            // What each new holder of the partition finds again is no news, unless an operator waits for it.
            return isNew || letter?.isRetried == true
        }
        guard isNew else { return }
        metrics.parked.increment()
        store.telemetry.logger.error(
            "an event cannot be handled, and its aggregate is parked; see dead-letters list",
            [.subscription: name, .aggregateID: id, .error: DeadLetter.describe(error, about: id)])
    }

    /// - Parameter events: How many it is about. After a conflict, several are not tried again together.
    private func post<R: Sendable>(
        _ events: Int = 1, _ body: @Sendable (isolated MongoConnection) async throws -> R
    ) async throws -> R {
        var transaction = PostingTransaction(store: store)
        if events > 1 { transaction.maximumConflicts = 0 }
        transaction.onRetry = { [metrics] in metrics.retries.increment() }
        return try await transaction.run(body)
    }
}

extension PostedDelivery {
    /// Lets a parked aggregate go on, and handles its events that wait.
    func retry(_ letter: DeadLetter) async throws {
        guard let id = letter.id else { return }
        let head = try await post { connection in
            try DeadLetter.unpark(id, in: storage, of: store, on: connection)
            try progress?.save(nil, for: [id], on: connection)
            return try store.journal.head(of: id, on: connection)
        }
        try await drain(id, through: head, retrying: letter)
    }
}
