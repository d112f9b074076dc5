internal import CMongoC
package import DaybookBSON

extension MongoConnection {
    /// Calls `visit` with each document that matches, on this connection's thread. The document is borrowed for that
    /// call.
    ///
    /// - Parameter visit: Returns false to stop.
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

    /// Calls `visit` with each document that a pipeline returns, on this connection's thread. The document is borrowed
    /// for that call.
    ///
    /// - Parameters:
    ///   - pipeline: Its stages, in order: https://www.mongodb.com/docs/manual/reference/operator/aggregation-pipeline/
    ///   - options: The batch size, and where it reads.
    ///   - visit: Returns false to stop.
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

    /// How many documents match. The server counts them one by one.
    package func count(_ filter: BSONDocument, in namespace: Namespace, reads: FindOptions.Reads = .deciding) throws
        -> Int
    {
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
        if case .pipeline = request {
            precondition(!options.haveStages, "sort, limit and projection are stages of a pipeline")
        }
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

    /// The cursor's next document, borrowed until the next call on it; nil at the end. The first call sends the
    /// command, so its error is the operation's error.
    func next(_ cursor: OpaquePointer, in namespace: Namespace, of operation: String = "find") throws
        -> BorrowedDocument?
    {
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
