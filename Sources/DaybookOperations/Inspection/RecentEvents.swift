package import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The last events of a journal, and those that come; see ``DaybookStore/tail(_:of:isFollowing:)``.
package struct RecentEvents: AsyncSequence, Sendable {
    package enum Element: Sendable {
        case event(JournalEntry)
        /// Nothing came for a while.
        case idle
    }

    let store: DaybookStore
    let count: Int
    let types: [AggregateType]
    let isFollowing: Bool

    package func makeAsyncIterator() -> Iterator {
        Iterator(recent: self)
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let recent: RecentEvents
        private var reader: TailReader?
        /// Those of the last that were not given out yet.
        private var last: ArraySlice<JournalEntry>?
        /// What the reader shows besides what comes.
        private var overlap = FeedOverlap([])

        init(recent: RecentEvents) {
            self.recent = recent
        }

        /// - Throws: ``DaybookError``
        package mutating func next() async throws -> Element? {
            do {
                if last == nil { try await begin() }
                if let entry = last?.popFirst() { return .event(entry) }
                guard let reader else { return nil }
                while true {
                    let element = try await reader.next()
                    if case .idle = element { return .idle }
                    guard case .change(.event(let event), _) = element else { continue }
                    // An event that was removed by hand meanwhile is not there to be shown.
                    guard let entry = try await recent.entry(event), !overlap.covers(entry) else { continue }
                    return .event(entry)
                }
            } catch let error as JournalPlaceLost {
                throw DaybookError.enriching(error.underlying, operation: "tail", aggregateID: nil)
            } catch {
                throw DaybookError.enriching(error, operation: "tail", aggregateID: nil)
            }
        }

        /// Opens the reader before the last events are read, so that none falls in between.
        private mutating func begin() async throws {
            let store = recent.store
            try await store.client.withConnection(.single) { try store.readiness.requireJournal(on: $0) }
            if recent.isFollowing {
                let reader = store.tail.reader(types: recent.types)
                try await reader.open()
                self.reader = reader
            }
            let last = try await recent.last()
            if reader != nil { overlap = FeedOverlap(last) }
            self.last = last[...]
        }
    }

    /// Oldest first. Ids are near the order of time, and have an index.
    private func last() async throws -> [JournalEntry] {
        guard count > 0 else { return [] }
        let options = FindOptions(sort: [(EventKey.id, -1)], limit: count)
        var entries: [JournalEntry] = []
        for try await entry in store.client.find(
            Journal.condition(on: EventKey.aggregateID, ofTypes: types), in: store.journal.namespace, options: options,
            decode: { JournalEntry(BSONDocument($0)) })
        {
            entries.append(entry)
        }
        return entries.reversed()
    }

    /// An event that has come, read by its id; nil when it is not there any more.
    ///
    /// The tail shows an event once a majority has it. Right after an election the new primary may not know that yet, and
    /// does not return the event: so the read is repeated for two seconds.
    private func entry(_ event: FeedEvent) async throws -> JournalEntry? {
        var filter: BSONDocument = [EventKey.id: .condition(equalTo: event.id)]
        // It is the shard key, where the journal is sharded.
        if let aggregateID = event.aggregateID {
            try filter.append(EventKey.aggregateID, .condition(equalTo: aggregateID))
        }
        let selector = filter
        let deadline = ContinuousClock.now + .seconds(2)
        var backoff = Backoff()
        while true {
            let entry = try await store.client.withConnection(.single) { connection in
                try connection.findOne(selector, in: store.journal.namespace) { JournalEntry(BSONDocument($0)) }
            }
            guard entry == nil, ContinuousClock.now < deadline else { return entry }
            try Task.checkCancellation()
            await backoff.wait()
        }
    }
}

extension DaybookStore {
    /// The last events of the journal, oldest first, as they are stored; and after them, when it follows, those that
    /// come, until the task is cancelled: none is left out, and none comes twice.
    ///
    /// The last are those with the largest ids, which is near the order of time. Those that come are in the order in
    /// which they become visible.
    ///
    /// - Parameters:
    ///   - count: How many of the last; 0 for none.
    ///   - types: Only those of these aggregates; of all when empty. With a type that has few events among many others,
    ///     the server may look at all of them for the last.
    package func tail(_ count: Int, of types: [AggregateType] = [], isFollowing: Bool = false) -> RecentEvents {
        RecentEvents(store: self, count: count, types: types, isFollowing: isFollowing)
    }
}
