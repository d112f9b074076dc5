internal import DaybookBSON
internal import DaybookMongo

/// The events of one aggregate, in order; see ``Repository/history(_:)``.
///
/// They are read in batches during the iteration, so a long history takes no more memory than a short one.
public struct History<A: Aggregate>: AsyncSequence, Sendable {
    let store: DaybookStore
    let id: AggregateID

    /// Starts reading at the first event.
    public func makeAsyncIterator() -> Iterator {
        let id = id
        let coding = EventCoding<A>()
        let events = store.client.find(
            Journal.events(of: id, from: 1), in: store.journal.namespace,
            options: FindOptions(sort: Journal.inVersionOrder)
        ) { document in
            try StoredEvent(BSONDocument(document)).decoded(by: coding)
        }
        return Iterator(events: events.makeAsyncIterator(), id: id)
    }

    /// Reads the events one after another.
    public struct Iterator: AsyncIteratorProtocol {
        var events: CursorSequence<RecordedEvent<A>>.Iterator
        let id: AggregateID
        var version: Int64 = 0

        /// - Throws: ``DaybookError``; `damagedJournal` when an event is missing.
        public mutating func next() async throws -> RecordedEvent<A>? {
            let event: RecordedEvent<A>?
            do {
                event = try await events.next()
            } catch {
                throw DaybookError.enriching(error, operation: "history", aggregateID: id.rawValue)
            }
            guard let event else { return nil }
            version += 1
            guard event.version == version else {
                throw DaybookError(
                    .damagedJournal, "event \(version) is missing: the next one is \(event.version). Run verify.",
                    aggregateID: id.rawValue,
                    version: version, operation: "history")
            }
            return event
        }
    }
}
