internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// Some events of one aggregate that follow one another, read from the journal.
struct EventSlice: Sendable {
    /// How many events are read together, and how many bytes at about.
    static let count = 200
    private static let bytes = 8 << 20

    let documents: [BSONDocument]

    /// The events after `version` up to `last`, as the connection's transaction sees them, if it has one.
    ///
    /// - Throws: ``EventFailure`` at index 0 when the journal lacks the first of them.
    static func read(
        _ id: AggregateID, after version: Int64, through last: Int64, limit: Int = count, of store: DaybookStore,
        on connection: isolated MongoConnection
    ) throws -> EventSlice {
        let filter: BSONDocument = [
            EventKey.aggregateID: .string(id.rawValue),
            EventKey.version: ["$gt": .int64(version), "$lte": .int64(last)],
        ]
        var documents: [BSONDocument] = []
        var bytes = 0
        var next = version + 1
        try connection.find(
            filter, in: store.journal.namespace,
            options: FindOptions(sort: Journal.inVersionOrder, limit: limit)
        ) { document in
            guard JournalEntry(BSONDocument(document)).version == next else { return false }
            next += 1
            documents.append(BSONDocument(document))
            bytes += documents[documents.count - 1].bytes.count
            return bytes < Self.bytes
        }
        guard !documents.isEmpty else {
            throw EventFailure(
                index: 0,
                error: DaybookError(
                    .damagedJournal, "event \(version + 1) is missing. Run verify.", aggregateID: id.rawValue,
                    version: version + 1))
        }
        return EventSlice(documents: documents)
    }

    /// The events with their envelopes read.
    ///
    /// - Throws: ``EventFailure``
    static func events(_ documents: [BSONDocument]) throws -> [StoredEvent] {
        var events: [StoredEvent] = []
        events.reserveCapacity(documents.count)
        for (index, document) in documents.enumerated() {
            do { events.append(try StoredEvent(document)) } catch { throw EventFailure(index: index, error: error) }
        }
        return events
    }
}
