internal import CMongoC
package import DaybookBSON

/// What a find returns, and how.
package struct FindOptions: Sendable {
    /// `[("state.expiresAt", 1)]`
    package var sort: [(key: String, direction: Int32)] = []
    /// At most so many documents; nil for all.
    package var limit: Int?
    package var projection: BSONDocument?
    /// How many documents the server sends at a time; nil leaves it to the server (101 first, then 16 MiB).
    package var batchSize: Int?
    /// Where the index of ``hint`` is entered and left: keys from `minimum` on, up to `maximum`, which is not among them. Unlike conditions, they take
    /// values of every type, in the order of the index. Both need a hint.
    ///
    /// https://www.mongodb.com/docs/manual/reference/method/cursor.min/
    package var minimum: BSONDocument?, maximum: BSONDocument?
    /// The index that is used, by its keys.
    package var hint: BSONDocument?
    /// Where it is read from.
    package var reads: Reads = .deciding

    package enum Reads: Sendable {
        /// Feeds a decision, a look-up or a repair: on the primary, what a majority has.
        case deciding
        /// Follows the URI's read preference and read concern.
        case asConfigured
        /// On the primary, with this read concern.
        case onPrimary(ReadConcern)
    }

    package init(
        sort: [(key: String, direction: Int32)] = [], limit: Int? = nil, projection: BSONDocument? = nil, batchSize: Int? = nil,
        reads: Reads = .deciding
    ) {
        self.sort = sort
        self.limit = limit
        self.projection = projection
        self.batchSize = batchSize
        self.reads = reads
    }

    /// Whether these are options of a find that are stages of a pipeline: MongoDB refuses them as fields of `aggregate`.
    var haveStages: Bool { !sort.isEmpty || limit != nil || projection != nil }

    /// The options document. A transaction has its own read concern, and refuses one here.
    func document(for request: CursorRequest, inTransaction: Bool) throws(BSONError) -> BSONDocument {
        var writer = BSONWriter()
        // Before 6.0 the server refuses to sort or group more than 100 MB unless it may use its disk (292); later versions may by default.
        // https://www.mongodb.com/docs/v5.0/reference/command/find/
        if !sort.isEmpty || request.isPipeline { writer.write(true, forKey: "allowDiskUse") }
        if !sort.isEmpty {
            writer.beginDocument("sort")
            for (key, direction) in sort { writer.write(direction, forKey: key) }
            writer.end()
        }
        writer.writeIfPresent(limit.map(Int64.init), forKey: "limit")
        writer.writeIfPresent(batchSize.map(Int32.init(clamping:)), forKey: "batchSize")
        writer.writeIfPresent(projection, forKey: "projection")
        writer.writeIfPresent(minimum, forKey: "min")
        writer.writeIfPresent(maximum, forKey: "max")
        writer.writeIfPresent(hint, forKey: "hint")
        if let readConcern = reads.concern, !inTransaction {
            writer.write(["level": .string(readConcern.rawValue)] as BSONDocument, forKey: "readConcern")
        }
        return try writer.finish()
    }
}

extension FindOptions.Reads {
    var concern: ReadConcern? {
        switch self {
        case .deciding: .majority
        case .asConfigured: nil
        case .onPrimary(let concern): concern
        }
    }

    var areOnPrimary: Bool {
        if case .asConfigured = self { false } else { true }
    }
}

/// What a cursor is opened for.
enum CursorRequest: Sendable {
    case find(BSONDocument)
    case pipeline([BSONDocument])

    var operation: String { isPipeline ? "aggregate" : "find" }

    var isPipeline: Bool {
        if case .pipeline = self { true } else { false }
    }

    /// The filter, or the pipeline as the document that a BSON array is.
    func document() throws(BSONError) -> BSONDocument {
        switch self {
        case .find(let filter): return filter
        case .pipeline(let stages):
            var writer = BSONWriter()
            for (index, stage) in stages.enumerated() { writer.write(stage, forKey: String(index)) }
            return try writer.finish()
        }
    }
}

extension MongoConnection {
    /// Calls `visit` with each document that matches, on this connection's thread; the document is borrowed for that call.
    ///
    /// - Parameter visit: returns false to stop.
    package func find(
        _ filter: BSONDocument, in namespace: Namespace, options: FindOptions = FindOptions(),
        visit: (BorrowedDocument) throws -> Bool
    ) throws {
        let cursor = try openCursor(.find(filter), in: namespace, options: options)
        defer { daybook_cursor_destroy(cursor) }
        while let document = try next(cursor, in: namespace) {
            if try !visit(document) { return }
        }
    }

    /// The first document that matches, decoded by `decode` while it is borrowed.
    package func findOne<R>(
        _ filter: BSONDocument, in namespace: Namespace, options: FindOptions = FindOptions(),
        decode: (BorrowedDocument) throws -> R
    ) throws -> R? {
        var found: R?
        var options = options
        options.limit = 1
        try find(filter, in: namespace, options: options) { document in
            found = try decode(document)
            return false
        }
        return found
    }

    /// Calls `visit` with each document that a pipeline gives, on this connection's thread; the document is borrowed for that call.
    ///
    /// - Parameters:
    ///   - pipeline: Its stages, in order: https://www.mongodb.com/docs/manual/reference/operator/aggregation-pipeline/
    ///   - options: Its batch size and where it reads.
    ///   - visit: returns false to stop.
    /// - Precondition: The options have no sort, limit or projection: those are stages.
    package func aggregate(
        _ pipeline: [BSONDocument], in namespace: Namespace, options: FindOptions = FindOptions(),
        visit: (BorrowedDocument) throws -> Bool
    ) throws {
        let cursor = try openCursor(.pipeline(pipeline), in: namespace, options: options)
        defer { daybook_cursor_destroy(cursor) }
        while let document = try next(cursor, in: namespace, of: "aggregate") {
            if try !visit(document) { return }
        }
    }

    /// How many documents match, counted one by one.
    package func count(_ filter: BSONDocument, in namespace: Namespace, reads: FindOptions.Reads = .deciding) throws -> Int {
        var count = 0
        try aggregate(
            [["$match": .document(filter)], ["$group": ["_id": 1, "count": ["$sum": 1]]]], in: namespace,
            options: FindOptions(reads: reads)
        ) { document in
            count = Int(try document.first("count")?.int64() ?? 0)
            return false
        }
        return count
    }

    func openCursor(_ request: CursorRequest, in namespace: Namespace, options: FindOptions) throws -> OpaquePointer {
        if case .pipeline = request { precondition(!options.haveStages, "sort, limit and projection are stages of a pipeline") }
        let collection = try collection(namespace)
        let session = transactionSession
        let onPrimary = options.reads.areOnPrimary
        let optionsDocument = try options.document(for: request, inTransaction: isInTransaction)
        if let poison { throw poison }
        let cursor = try request.document().withDriverBytes { document in
            optionsDocument.withDriverBytes { options in
                switch request {
                case .find: daybook_find(collection, document, options, onPrimary, session, result)
                case .pipeline: daybook_aggregate(collection, document, options, onPrimary, session, result)
                }
            }
        }
        guard let cursor else { throw failure(request.operation, on: namespace.description) }
        return cursor
    }

    /// The cursor's next document, borrowed until the next call on it; nil at the end. The first call is what sends the command, so its
    /// failure is the operation's.
    func next(_ cursor: OpaquePointer, in namespace: Namespace, of operation: String = "find") throws -> BorrowedDocument? {
        if let poison { throw poison }
        var failed = false
        let bytes = daybook_cursor_next(cursor, result, &failed)
        if failed { throw failure(operation, on: namespace.description) }
        guard let data = bytes.data else { return nil }
        return try BorrowedDocument(validatingLengthOf: UnsafeRawBufferPointer(start: data, count: bytes.length))
    }

    func closeCursor(_ cursor: OpaquePointer) {
        daybook_cursor_destroy(cursor)
    }
}
