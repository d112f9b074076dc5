internal import CMongoC
package import DaybookBSON

/// Where a change stream goes on: opaque, kept by whoever has handled everything before it.
package struct ResumeToken: Sendable, Hashable {
    package let document: BSONDocument

    /// Nil for an empty document: libmongoc takes that for no token at all, and would open the stream at the present.
    /// https://github.com/mongodb/mongo-c-driver/blob/1.23.2/src/libmongoc/src/mongoc/mongoc-change-stream.c
    package init?(_ document: BSONDocument) {
        guard document != BSONDocument() else { return nil }
        self.document = document
    }
}

/// The changes of one collection, as they become visible to a majority.
///
/// A stream has a connection of its own, apart from the client's permits, because waiting for a change occupies it; cancelling the task that
/// waits takes effect within `maximumWait`. Every element carries the token that resumes behind it, also ``Element/idle(_:)``, which comes
/// after each wait without a change: a checkpoint that follows those stays inside the oplog while nothing happens. A token is only worth
/// keeping after its element was handled.
///
/// https://www.mongodb.com/docs/manual/changeStreams/
package struct ChangeStream<Change: Sendable>: AsyncSequence, Sendable {
    package enum Element: Sendable {
        case change(Change, ResumeToken)
        /// Nothing happened up to here.
        case idle(ResumeToken)

        package var token: ResumeToken {
            switch self {
            case .change(_, let token), .idle(let token): token
            }
        }
    }

    let client: MongoClient
    let namespace: Namespace
    let filter: BSONDocument?
    let fields: [String]
    let resumeAfter: ResumeToken?
    let maximumWait: Duration
    let decode: @Sendable (BorrowedDocument) throws -> Change

    package func makeAsyncIterator() -> Iterator {
        Iterator(cursor: ChangeCursor(self))
    }

    package struct Iterator: AsyncIteratorProtocol, Sendable {
        let cursor: ChangeCursor<Change>

        /// Opens the stream now, so that no change after this call is missed; otherwise the first ``next()`` does.
        package func open() async throws {
            try await cursor.open()
        }

        /// - Throws: ``MongoError``, `placeLost` when the collection was dropped or renamed; what `decode` throws. The stream is over then: the last token that was given out leads to the change
        ///   that failed, so nothing behind it is given out as if it had been handled.
        package func next() async throws -> Element? {
            try await cursor.next()
        }
    }
}

extension MongoClient {
    /// The changes of a collection from now on, or behind `resumeAfter`.
    ///
    /// - Parameters:
    ///   - filter: Which changes, by a filter on change documents; all, unless given.
    ///   - fields: What of a change document is sent; all of it, unless given.
    ///   - maximumWait: How long the server holds an empty answer back.
    ///   - decode: Makes the element of the change document, on the stream's thread, while it is borrowed.
    package func changes<Change: Sendable>(
        of namespace: Namespace, matching filter: BSONDocument? = nil, showing fields: [String] = [],
        resumeAfter: ResumeToken? = nil,
        maximumWait: Duration = .milliseconds(500), decode: @escaping @Sendable (BorrowedDocument) throws -> Change
    ) -> ChangeStream<Change> {
        ChangeStream(
            client: self, namespace: namespace, filter: filter, fields: fields, resumeAfter: resumeAfter,
            maximumWait: maximumWait,
            decode: decode)
    }
}

/// The driver's stream behind one iterator, and the connection it lives on.
///
/// `@unchecked Sendable`: `opened` is touched by the one task that iterates, and by `deinit` when nobody can iterate any more.
final class ChangeCursor<Change: Sendable>: @unchecked Sendable {
    private let stream: ChangeStream<Change>
    private var opened: (connection: MongoConnection, handle: OpaqueHandle)?
    private var failure: (any Error)?

    init(_ stream: ChangeStream<Change>) {
        self.stream = stream
    }

    deinit {
        guard let opened else { return }
        // The connection is dropped behind it: its end of life gives the client back, on its own thread.
        Task { await opened.connection.closeChangeStream(opened.handle.pointer) }
    }

    func open() async throws {
        guard opened == nil else { return }
        let connection = try stream.client.openStreamConnection()
        let handle = try await Self.open(stream, on: connection)
        opened = (connection, handle)
    }

    func next() async throws -> ChangeStream<Change>.Element? {
        if let failure { throw failure }
        try await open()
        guard let opened else { return nil }
        while true {
            try Task.checkCancellation()
            do {
                if let element = try await Self.advance(stream, opened.handle, on: opened.connection) { return element }
            } catch {
                failure = error
                self.opened = nil
                await opened.connection.closeChangeStream(opened.handle.pointer)
                throw error
            }
        }
    }

    private static func open(_ stream: ChangeStream<Change>, on connection: isolated MongoConnection) throws -> OpaqueHandle {
        try connection.prepare()
        return OpaqueHandle(
            try connection.openChangeStream(
                of: stream.namespace, pipeline: stream.pipeline, resumeAfter: stream.resumeAfter,
                maximumWait: stream.maximumWait)
        )
    }

    private static func advance(
        _ stream: ChangeStream<Change>, _ handle: OpaqueHandle, on connection: isolated MongoConnection
    ) throws -> ChangeStream<Change>.Element? {
        let change = try connection.nextChange(handle.pointer, in: stream.namespace).map { try stream.decode($0) }
        guard let token = connection.resumeToken(handle.pointer) else { return nil }
        return change.map { .change($0, token) } ?? .idle(token)
    }
}

extension ChangeStream {
    /// The stages after `$changeStream`.
    ///
    /// When the collection is dropped or renamed the server ends the stream by an event of the type `invalidate`. It stands before these stages: a
    /// filter that leaves it out would leave a stream that ends without a word, with a token that no stream resumes after.
    /// https://www.mongodb.com/docs/manual/reference/change-events/invalidate/
    fileprivate var pipeline: [BSONDocument] {
        var stages: [BSONDocument] = []
        if let filter {
            stages.append(["$match": ["$or": [.document(filter), ["operationType": "invalidate"]]]])
        }
        if !fields.isEmpty {
            var shape: BSONDocument = ["operationType": 1]
            // Fails only for a key with NUL, or at 2 GiB.
            for field in fields where field != "operationType" { try? shape.append(field, 1) }
            stages.append(["$project": .document(shape)])
        }
        return stages
    }
}

extension MongoConnection {
    func openChangeStream(
        of namespace: Namespace, pipeline: [BSONDocument], resumeAfter: ResumeToken?, maximumWait: Duration
    ) throws -> OpaquePointer {
        var options = BSONWriter()
        options.write(Int64(min(max(1, maximumWait / .milliseconds(1)), 86_400_000)), forKey: "maxAwaitTimeMS")
        options.writeIfPresent(resumeAfter?.document, forKey: "resumeAfter")
        let collection = try collection(namespace)
        let optionsDocument = try options.finish()
        let stream = try CursorRequest.pipeline(pipeline).document().withDriverBytes { pipeline in
            optionsDocument.withDriverBytes { daybook_change_stream_new(collection, pipeline, $0) }
        }
        guard let stream else { throw failure("watch", on: namespace.description) }
        // libmongoc opens it by itself, and keeps what went wrong for the first look.
        guard !daybook_change_stream_failed(stream, result) else {
            defer { daybook_change_stream_destroy(stream) }
            throw failure("watch", on: namespace.description)
        }
        return stream
    }

    /// The next change, borrowed until the next call; nil when the wait brought none.
    ///
    /// - Throws: ``MongoError`` `placeLost` when the stream has ended because its collection was dropped or renamed.
    func nextChange(_ stream: OpaquePointer, in namespace: Namespace) throws -> BorrowedDocument? {
        var failed = false
        let bytes = daybook_change_stream_next(stream, result, &failed)
        if failed { throw failure("watch", on: namespace.description) }
        guard let data = bytes.data else { return nil }
        let change = try BorrowedDocument(validatingLengthOf: UnsafeRawBufferPointer(start: data, count: bytes.length))
        guard try change.first("operationType")?.string() != "invalidate" else {
            var error = MongoError(
                .placeLost,
                "the collection was dropped or renamed: its change stream has ended, and none continues from its place")
            error.operation = "watch"
            error.namespace = namespace.description
            throw error
        }
        return change
    }

    /// A copy of the stream's current token; nil before the server has given one.
    func resumeToken(_ stream: OpaquePointer) -> ResumeToken? {
        let bytes = daybook_change_stream_token(stream)
        guard let data = bytes.data else { return nil }
        return ResumeToken(BSONDocument(unchecked: Array(UnsafeRawBufferPointer(start: data, count: bytes.length))))
    }

    func closeChangeStream(_ stream: OpaquePointer) {
        daybook_change_stream_destroy(stream)
    }
}
