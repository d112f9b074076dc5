internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics
internal import Synchronization

/// Hands events to a handler at least once, in the order of their versions along an aggregate, and notes the position
/// after them.
///
/// The postings have only the aggregates that are parked, each with the last event that was handled.
final class PositionedDelivery: Sendable {
    private let store: DaybookStore
    private let name: SubscriptionName
    private let handler: any EventHandler
    private let storage: SubscriptionStorage
    private let progress: PartitionProgress
    private let metrics: DeliveryMetrics
    /// The parked aggregates.
    private let parked: Mutex<Set<AggregateID>>

    init(
        store: DaybookStore, name: SubscriptionName, handler: any EventHandler, progress: PartitionProgress,
        metrics: DeliveryMetrics
    ) async throws {
        self.store = store
        self.name = name
        self.handler = handler
        self.progress = progress
        self.metrics = metrics
        let storage = progress.storage
        self.storage = storage
        parked = Mutex(
            try await store.client.withConnection(.single) { connection in
                var parked: Set<AggregateID> = []
                try connection.find(["parked": ["$exists": true]], in: storage.postings) { document in
                    if let posting = Posting(BSONDocument(document)) { parked.insert(posting.id) }
                    return true
                }
                return parked
            })
    }

    var parkedCount: Int { parked.withLock { $0.count } }

    /// Handles events, and notes the position after them.
    func deliver(_ events: [JournalFeed.StoredDocument], to position: FeedPosition) async throws {
        let parked = parked.withLock { $0 }
        let batch = events.filter { event in event.head.map { !parked.contains($0.id) } ?? false }
        do {
            try await handle(batch.map(\.document))
        } catch  where !HandlingError.endsWork(error) {
            metrics.retries.increment()
            try await Task.sleep(for: HandlingError.pauses[0])
            try await deliverAlone(batch)
        }
        let last = events.compactMap { JournalEntry($0.document).id }.max { EventID($0) < EventID($1) }
        try await Patience.around {
            try await store.client.withConnection(.single) { try progress.save(position, last: last, on: $0) }
        }
    }

    /// Handles the events of each aggregate by themselves, so that one that fails stops no other.
    private func deliverAlone(_ batch: [JournalFeed.StoredDocument]) async throws {
        var events: [AggregateID: [JournalFeed.StoredDocument]] = [:]
        var order: [AggregateID] = []
        for event in batch {
            guard let id = event.head?.id else { continue }
            if events[id] == nil { order.append(id) }
            events[id, default: []].append(event)
        }
        for id in order {
            for event in events[id] ?? [] {
                guard let version = event.head?.version else { continue }
                guard try await handlePatiently(event.document, id, version) else { break }
            }
        }
    }

    /// Handles one event, again and again after growing pauses; parks its aggregate in the end.
    ///
    /// - Returns: Whether it was handled.
    private func handlePatiently(
        _ document: BSONDocument, _ id: AggregateID, _ version: Int64, retrying letter: DeadLetter? = nil
    ) async throws -> Bool {
        var attempts = 0
        while true {
            do {
                try await handle([document])
                return true
            } catch  where !HandlingError.endsWork(error) {
                attempts += 1
                let cause = (error as? EventFailure)?.error ?? error
                guard attempts > HandlingError.pauses.count || HandlingError.isPermanent(cause) else {
                    metrics.retries.increment()
                    try await Task.sleep(for: HandlingError.pauses[attempts - 1])
                    continue
                }
                try await park(id, after: version - 1, cause, attempts, letter)
                return false
            }
        }
    }

    private func park(
        _ id: AggregateID, after version: Int64, _ error: any Error, _ attempts: Int, _ letter: DeadLetter?
    ) async throws {
        let now = store.clock.now()
        let isNew = try await Patience.around {
            try await store.client.withConnection(.single) { connection in
                try progress.save(nil, on: connection)
                return try DeadLetter.park(
                    id, after: version, error: error, attempts: attempts, following: letter, at: now, in: storage,
                    of: store, on: connection)
            }
        }
        parked.withLock { _ = $0.insert(id) }
        // What each new holder of the partition finds again is no news, unless an operator waits for it.
        guard isNew || letter?.isRetried == true else { return }
        metrics.parked.increment()
        store.telemetry.logger.error(
            "an event cannot be handled, and its aggregate is parked; see dead-letters list",
            [.subscription: name, .aggregateID: id, .error: DeadLetter.describe(error, about: id)])
    }

    private func handle(_ documents: [BSONDocument]) async throws {
        guard !documents.isEmpty else { return }
        let events = try EventSlice.events(documents)
        try await handler.handle(events)
        metrics.delivered.increment(by: events.count)
        if let last = events.last { metrics.lag.record(max(0, store.clock.now().timeIntervalSince(last.recordedAt))) }
    }

    /// Handles the events of a parked aggregate that wait, and lets it go on if all could be handled.
    func retry(_ letter: DeadLetter) async throws {
        guard let id = letter.id else { return }
        while true {
            try Task.checkCancellation()
            let (posting, slice) = try await store.client.withConnection(.single) { connection in
                let posting = try Posting.find([id], in: storage.postings, on: connection)[id]
                let posted = posting?.version ?? 0
                let head = try store.journal.head(of: id, on: connection)
                guard posting != nil, posted < head else { return (posting, nil as EventSlice?) }
                return (posting, try EventSlice.read(id, after: posted, through: head, of: store, on: connection))
            }
            guard let posting, let slice else { break }
            for (index, document) in slice.documents.enumerated() {
                let version = posting.version + Int64(index) + 1
                guard try await handlePatiently(document, id, version, retrying: letter) else { return }
                try await store.client.withConnection(.single) { connection in
                    try progress.save(nil, on: connection)
                    try connection.updateOne(
                        ["_id": .string(id.rawValue)], with: ["$set": ["version": .int64(version)]],
                        in: storage.postings)
                }
            }
        }
        try await store.client.withConnection(.single) { connection in
            try progress.save(nil, on: connection)
            try DeadLetter.unpark(id, in: storage, of: store, on: connection)
            try connection.deleteOne(["_id": .string(id.rawValue)], in: storage.postings)
        }
        parked.withLock { _ = $0.remove(id) }
    }
}
