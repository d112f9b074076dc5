package import DaybookBSON
package import DaybookMongo

/// Goes once through the events of a range of aggregate ids and through a collection whose documents have those ids, side
/// by side: both come in the byte order of ids, so nothing is looked up, and memory holds a few batches.
package struct RangeScan: Sendable {
    let store: DaybookStore
    let range: IDRange
    /// The fields of the events that are read; nil for all.
    let projection: BSONDocument?
    /// The collection beside the journal; nil where only events are read.
    let documents: Namespace?

    package init(store: DaybookStore, range: IDRange, projection: BSONDocument? = nil, documents: Namespace? = nil) {
        self.store = store
        self.range = range
        self.projection = projection
        self.documents = documents
    }

    /// Reads what comes after `position`, one batch ahead of `body`, which goes through it.
    ///
    /// It holds a connection for the journal and one for the other collection, each until all was read, and at most until `body` has
    /// returned.
    ///
    /// - Throws: What reading throws, ``MongoError`` or `CancellationError`; what `body` throws.
    package func run(after position: String?, _ body: (inout ScannedRange) async throws -> Void) async throws {
        let condition = BSONValue.document(range.condition(after: position))
        let options = FindOptions(sort: Journal.inAggregateOrder, projection: projection, batchSize: 4_096)
        let journal = store.journal.namespace
        let filter: BSONDocument = [EventKey.aggregateID: condition]
        try await store.client.withReadAhead(filter, in: journal, options: options) { events in
            events.start()
            guard let documents else {
                var scanned = ScannedRange(events, nil)
                return try await body(&scanned)
            }
            let options = FindOptions(sort: [("_id", 1)], batchSize: 2_048)
            try await store.client.withReadAhead(["_id": condition], in: documents, options: options) { documents in
                documents.start()
                var scanned = ScannedRange(events, documents)
                try await body(&scanned)
            }
        }
    }
}
