package import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The last events of a journal, and those that come; see ``DaybookStore/tail(_:of:isFollowing:)``.
package struct JournalTail: AsyncSequence, Sendable {
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
        Iterator(tail: self)
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let tail: JournalTail
        private var stream: ChangeStream<Arrival>.Iterator?
        /// Those of the last that were not given out yet.
        private var last: ArraySlice<JournalEntry>?
        /// What the stream may have besides the last.
        private var overlap = Overlap([])

        init(tail: JournalTail) {
            self.tail = tail
        }

        /// - Throws: ``DaybookError``
        package mutating func next() async throws -> Element? {
            do {
                if last == nil { try await begin() }
                if let entry = last?.popFirst() { return .event(entry) }
                while let element = try await stream?.next() {
                    guard case .change(let arrival, _) = element else { return .idle }
                    // An event that was removed by hand meanwhile is not there to be shown.
                    guard let entry = try await tail.entry(arrival), !overlap.covers(entry) else { continue }
                    return .event(entry)
                }
                return nil
            } catch {
                throw DaybookError.enriching(error, operation: "tail", aggregateID: nil)
            }
        }

        /// Opens the stream before the last events are read, so that none falls in between; those that are in both are told by their ids.
        private mutating func begin() async throws {
            let store = tail.store
            try await store.client.withConnection(.single) { try store.requireJournal(on: $0) }
            if tail.isFollowing {
                let opened = tail.arrivals.makeAsyncIterator()
                try await opened.open()
                stream = opened
            }
            let last = try await tail.last()
            if stream != nil { overlap = Overlap(last) }
            self.last = last[...]
        }
    }

    /// Oldest first. Ids are near the order of time, and have an index.
    private func last() async throws -> [JournalEntry] {
        guard count > 0 else { return [] }
        let options = FindOptions(sort: [(EventKey.id, -1)], limit: count)
        var entries: [JournalEntry] = []
        for try await entry in store.client.find(
            condition(on: EventKey.aggregateID), in: store.journal.namespace, options: options,
            decode: { JournalEntry(BSONDocument($0)) })
        {
            entries.append(entry)
        }
        return entries.reversed()
    }

    /// Where an event stands that was just inserted.
    private struct Arrival: Sendable {
        let id: BSONValue
        let aggregateID: BSONValue?
    }

    /// The events as they come, without what they hold: a change is larger than its document, and the server ends a stream with a change of
    /// more than 16 MiB, so an event of nearly that size could not be told of whole.
    /// https://www.mongodb.com/docs/manual/administration/change-streams-production-recommendations/
    private var arrivals: ChangeStream<Arrival> {
        var match: BSONDocument = ["operationType": "insert"]
        for (key, value) in condition(on: EventKey.changedAggregateIDPath).fields { try? match.append(key, value) }
        return store.client.changes(
            of: store.journal.namespace, matching: match, showing: ["documentKey", EventKey.changedAggregateIDPath]
        ) { change in
            let change = BSONDocument(change)
            guard case .document(let key) = change["documentKey"], let id = key[EventKey.id] else {
                throw BSONError(.corrupt, "The change stream's insert has no key.")
            }
            guard case .document(let document) = change["fullDocument"] else { return Arrival(id: id, aggregateID: nil) }
            return Arrival(id: id, aggregateID: document[EventKey.aggregateID])
        }
    }

    /// What arrived, read by its id; nil when it is not there any more.
    ///
    /// A change stream shows an event once a majority has it. Right after an election the new primary may not know that yet, and does not
    /// return the event: so the read is repeated for two seconds.
    private func entry(_ arrival: Arrival) async throws -> JournalEntry? {
        var filter: BSONDocument = [EventKey.id: .condition(equalTo: arrival.id)]
        // It is the shard key, where the journal is sharded.
        if let aggregateID = arrival.aggregateID {
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

    /// An id begins with its type, so each type is a range.
    private func condition(on field: String) -> BSONDocument {
        guard !types.isEmpty else { return [:] }
        return ["$or": .array(types.map { [field: .document(Journal.ids(of: $0))] })]
    }
}

/// The events that became visible between the opening of the stream and the reading of the last ones: the stream gives them too.
///
/// It is kept for as long as the tail follows, because nothing marks its end. A router withholds the events of all shards until each has said
/// that it has no earlier one, which a shard without writes says every ten seconds (`periodicNoopIntervalSecs`); until then the stream comes
/// back empty. And events of several shards are read at several moments, but given in the order of their time.
private struct Overlap: Sendable {
    private let ids: Set<UUID>
    /// The last version of each aggregate, by the bytes of its id. What lies before it was there when the last were read, and was not asked for.
    private let heads: [[UInt8]: Int64]

    init(_ last: [JournalEntry]) {
        ids = Set(last.compactMap(\.id))
        var heads: [[UInt8]: Int64] = [:]
        for entry in last {
            if let id = entry.aggregateBytes, let version = entry.version { heads[id] = max(version, heads[id] ?? 0) }
        }
        self.heads = heads
    }

    func covers(_ entry: JournalEntry) -> Bool {
        if let id = entry.id, ids.contains(id) { return true }
        guard let id = entry.aggregateBytes, let version = entry.version, let head = heads[id] else { return false }
        return version <= head
    }
}

extension JournalEntry {
    fileprivate var aggregateBytes: [UInt8]? { aggregateID.map { Array($0.utf8) } }
}

extension DaybookStore {
    /// The last events of the journal, oldest first, as they are stored; and behind them, when it follows, those that come, until the task is
    /// cancelled: none is left out, and none comes twice.
    ///
    /// The last are those with the largest ids, which is near the order of time. Those that come are in the order in which they become visible.
    ///
    /// - Parameters:
    ///   - count: How many of the last; 0 for none.
    ///   - types: Only those of these aggregates; of all when empty. With a type that has few events among many others, the server may look at all
    ///     of them for the last.
    package func tail(_ count: Int, of types: [AggregateType] = [], isFollowing: Bool = false) -> JournalTail {
        JournalTail(store: self, count: count, types: types, isFollowing: isFollowing)
    }
}
