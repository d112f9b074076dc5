package import DaybookBSON
package import DaybookMongo

/// Goes once through the events of a range of aggregate ids and through a collection whose documents have those ids,
/// side by side: both come in the byte order of ids, so nothing is looked up, and memory holds a few batches.
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
    /// It holds a connection for the journal and one for the other collection, each until all was read, and at most
    /// until `body` has returned.
    ///
    /// - Throws: What reading throws, ``MongoError`` or `CancellationError`; what `body` throws.
    package func run(after position: String?, _ body: (inout Cursor) async throws -> Void) async throws {
        let condition = BSONValue.document(range.condition(after: position))
        let options = FindOptions(sort: Journal.inAggregateOrder, projection: projection, batchSize: 4_096)
        let journal = store.journal.namespace
        let filter: BSONDocument = [EventKey.aggregateID: condition]
        try await store.client.withReadAhead(filter, in: journal, options: options) { events in
            events.start()
            guard let documents else {
                var scanned = Cursor(events, nil)
                return try await body(&scanned)
            }
            let options = FindOptions(sort: [("_id", 1)], batchSize: 2_048)
            try await store.client.withReadAhead(["_id": condition], in: documents, options: options) { documents in
                documents.start()
                var scanned = Cursor(events, documents)
                try await body(&scanned)
            }
        }
    }
}

extension RangeScan {
    /// One id of which there are events, a document, or both.
    package struct Aggregate {
        /// As the journal or the collection has it.
        package let id: [UInt8]
        /// What the collection beside the journal has of it; nil when it has nothing.
        package let document: BSONDocument?
    }

    /// The aggregates of a range in the byte order of their ids, as the scan reads them; valid inside its closure.
    package struct Cursor: ~Copyable {
        private let events: ReadAhead
        private var documents: DocumentFeed?
        /// The events that were read last, and which of them is next.
        private var batch = DocumentBatch()
        private var index = 0
        /// The aggregate of the next event; nil where that is not known, and at the end.
        private var following: [UInt8]?
        /// The aggregate whose events come next; nil when all of the last one's were visited.
        private var current: [UInt8]?

        init(_ events: ReadAhead, _ documents: ReadAhead?) {
            self.events = events
            self.documents = documents.map(DocumentFeed.init)
        }

        /// The next aggregate; nil after the last. Events of the one before that were not visited are skipped.
        package mutating func next() async throws -> Aggregate? {
            while current != nil { _ = try await visitEvents { _, _ in } }
            if following == nil, try await hasEvents() { following = try batch.aggregateID(at: index) }
            if let other = try await documents?.peek(), following.map({ other.lexicographicallyPrecedes($0) }) ?? true {
                // The journal has no event of it.
                return Aggregate(id: other, document: documents?.take(other))
            }
            guard let id = following else { return nil }
            current = id
            following = nil
            return Aggregate(id: id, document: documents?.take(id))
        }

        /// Calls `body` with those of the aggregate's events that were read together, and their versions: nil for one
        /// that is not an integer.
        ///
        /// - Returns: Whether there may be more.
        package mutating func visitEvents(_ body: (BorrowedDocument, Int64?) throws -> Void) async throws -> Bool {
            guard let id = current else { return false }
            guard try await hasEvents() else {
                current = nil
                return false
            }
            index = try id.withUnsafeBytes { id in
                try batch.visit(from: index) { document in
                    guard let place = EventPlace(document), haveSameBytes(id, place.aggregateID) else { return false }
                    try body(document, place.version)
                    return true
                }
            }
            if index < batch.count { current = nil }
            return current != nil
        }

        /// Whether an event is left, after the next batch was read where it takes one.
        private mutating func hasEvents() async throws -> Bool {
            guard index >= batch.count else { return true }
            // The events that were visited are released while the next ones are awaited.
            batch = DocumentBatch()
            index = 0
            guard let next = try await events.next() else { return false }
            batch = next
            return true
        }
    }
}

extension DocumentBatch {
    /// The bytes of the aggregate id of an event.
    fileprivate func aggregateID(at index: Int) throws -> [UInt8] {
        var id: [UInt8]?
        _ = try visit(from: index) { document in
            // What is no text is in no range of texts, so it is not found.
            id = EventPlace(document).map { Array($0.aggregateID) }
            return false
        }
        guard let id else {
            throw MongoError(.invalidData, "the server gave an event without an aggregate id for a range of ids")
        }
        return id
    }
}

/// The documents of a range of ids as they come, one at a time.
private struct DocumentFeed {
    private let reader: ReadAhead
    private var documents = DocumentBatch()
    private var index = 0
    private var next: (id: [UInt8], document: BSONDocument)?

    init(_ reader: ReadAhead) {
        self.reader = reader
    }

    /// The id of the next one; nil after the last.
    mutating func peek() async throws -> [UInt8]? {
        if let next { return next.id }
        if index >= documents.count {
            guard let batch = try await reader.next() else { return nil }
            documents = batch
            index = 0
        }
        var found: (id: [UInt8], document: BSONDocument)?
        _ = try documents.visit(from: index) { document in
            guard let id = try document.first("_id")?.stringBytes() else {
                throw MongoError(.invalidData, "the server gave a document without an id for a range of ids")
            }
            found = (Array(id), BSONDocument(document))
            return false
        }
        index += 1
        next = found
        return found?.id
    }

    /// The document of this id, if it is the next one, as ``peek()`` has seen.
    mutating func take(_ id: [UInt8]) -> BSONDocument? {
        guard let found = next, found.id == id else { return nil }
        next = nil
        return found.document
    }
}
