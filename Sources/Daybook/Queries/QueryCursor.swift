internal import DaybookBSON
internal import DaybookMongo

/// Iterates over what a query finds, also when the server ends its cursor because the collection was swapped.
struct QueryCursor<Element: Sendable> {
    let query: DocumentQuery<Element>
    private var documents: CursorSequence<QueriedDocument<Element>>.Iterator?
    private var prepared: PreparedQuery?
    /// The position of the last document before a cursor ended early.
    private var position: PagePosition?
    /// How many documents the server has returned, and how many cursors in a row were killed since then.
    private var given = 0, failures = 0
    /// Whether a matching document was left out.
    private(set) var hasLeftOut = false

    init(_ query: DocumentQuery<Element>) {
        self.query = query
    }

    mutating func next() async throws -> Element? {
        do {
            while true {
                do {
                    if let found = try await nextDocument() {
                        given += 1
                        failures = 0
                        if let element = try await query.element(of: found) { return element }
                        hasLeftOut = true
                        continue
                    }
                    return nil
                } catch let error as MongoError where error.isKilledCursor && failures < 5 {
                    failures += 1
                    try await goOn(after: error)
                }
            }
        } catch {
            throw DaybookError.enriching(error, operation: "query", aggregateID: nil)
        }
    }

    private mutating func nextDocument() async throws -> QueriedDocument<Element>? {
        if documents == nil { documents = try await open() }
        return try await documents?.next()
    }

    /// Opens a new cursor after the last document that was returned, because a collection was swapped and the old
    /// cursor was killed.
    ///
    /// - Throws: `error` when the order has no position to continue after.
    private mutating func goOn(after error: MongoError) async throws {
        let prepared = try await prepare()
        if let last = documents?.last {
            guard !prepared.isByArray else { throw error }
            var stored: BSONDocument? = last
            // A projected document may not have the fields that it is sorted by, so read the whole document.
            if prepared.projection != nil, prepared.columns.count > 1 {
                stored = try await document(last[SnapshotKey.id] ?? .null)
            }
            guard let stored else { throw error }
            position = try stored.withBorrowed {
                try PagePosition(of: $0, in: prepared.columns, kind: query.kind)
            }
        }
        documents = try await open()
    }

    private func document(_ id: BSONValue) async throws -> BSONDocument? {
        try await query.client.withConnection(.single) { [namespace = query.namespace] connection in
            try connection.findOne([SnapshotKey.id: id], in: namespace) { BSONDocument($0) }
        }
    }

    private mutating func prepare() async throws -> PreparedQuery {
        if let prepared { return prepared }
        let prepared = try await query.prepare()
        self.prepared = prepared
        return prepared
    }

    private mutating func open() async throws -> CursorSequence<QueriedDocument<Element>>.Iterator {
        let prepared = try await prepare()
        var options = prepared.options
        if let limit = options.limit {
            // The server closes a cursor with its last document, so a killed cursor had more to return. A limit of 0
            // would mean no limit.
            options.limit = max(1, limit - given)
        }
        return query.client.find(
            prepared.filter(after: position), in: query.namespace, options: options, decode: query.decode
        )
        .makeAsyncIterator()
    }
}
