/// See ``MongoClient/withReadAhead(_:in:options:isolation:_:)``. Valid inside its closure, for one task.
///
/// `@unchecked Sendable`: its variables are accessed only by the task that runs the closure. The tasks that it starts
/// receive values only.
package final class ReadAhead: @unchecked Sendable {
    private struct Read: Sendable {
        var batch: DocumentBatch
        let connection: MongoConnection
        /// Nil at the end.
        var cursor: OpaqueHandle?
    }

    /// About what one round trip carries: enough that a change of threads does not matter, little enough that memory
    /// use stays flat.
    private static let batchBytes = 1 << 20
    private static let batchCount = 4_096

    private let client: MongoClient
    private let request: CursorRequest
    private let namespace: Namespace
    private let options: FindOptions
    private var coming: Task<Read, any Error>?
    private var hasBegun = false
    /// The error that reading failed with. After it there are no more batches, but it is not the normal end.
    private var failure: (any Error)?

    init(client: MongoClient, request: CursorRequest, namespace: Namespace, options: FindOptions) {
        self.client = client
        self.request = request
        self.namespace = namespace
        self.options = options
    }

    deinit {
        precondition(coming == nil, "a read-ahead is closed before it is let go")
    }

    /// Requests the first batch, so that it is being read before it is needed.
    package func start() {
        guard !hasBegun else { return }
        hasBegun = true
        let (client, request, namespace, options) = (client, request, namespace, options)
        coming = Task {
            let connection = try await client.checkOut(.cursor)
            do {
                return try await Self.open(request, in: namespace, options, on: connection)
            } catch {
                client.checkIn(connection, .cursor)
                throw error
            }
        }
    }

    /// The next documents, at least one; nil at the end.
    ///
    /// - Throws: ``MongoError``, `CancellationError`. Once reading has failed, each call throws that error.
    package func next() async throws -> DocumentBatch? {
        start()
        try Task.checkCancellation()
        if let failure { throw failure }
        guard let coming else { return nil }
        self.coming = nil
        let read: Read
        do {
            read = try await coming.value
        } catch {
            failure = error
            throw error
        }
        if let cursor = read.cursor {
            let (client, namespace, capacity) = (client, namespace, read.batch.byteCount)
            self.coming = Task {
                do {
                    return try await Self.fill(cursor, in: namespace, capacity: capacity, on: read.connection)
                } catch {
                    client.checkIn(read.connection, .cursor)
                    throw error
                }
            }
        } else {
            client.checkIn(read.connection, .cursor)
        }
        return read.batch.count > 0 ? read.batch : nil
    }

    /// Ends the read that is in progress.
    func close() async {
        guard let coming else { return }
        self.coming = nil
        // A read that failed has already returned its connection.
        guard let read = try? await coming.value else { return }
        if let cursor = read.cursor { await read.connection.closeCursor(cursor.pointer) }
        client.checkIn(read.connection, .cursor)
    }

    private static func open(
        _ request: CursorRequest, in namespace: Namespace, _ options: FindOptions,
        on connection: isolated MongoConnection
    ) throws -> Read {
        try connection.prepare()
        return try fill(
            OpaqueHandle(connection.openCursor(request, in: namespace, options: options)), in: namespace, capacity: 0,
            on: connection)
    }

    /// - Parameter capacity: The expected number of bytes: the previous batch's.
    private static func fill(
        _ cursor: OpaqueHandle, in namespace: Namespace, capacity: Int, on connection: isolated MongoConnection
    ) throws -> Read {
        var read = Read(batch: DocumentBatch(capacity: capacity), connection: connection, cursor: cursor)
        do {
            while let document = try connection.next(cursor.pointer, in: namespace) {
                read.batch.append(document)
                if read.batch.byteCount >= batchBytes || read.batch.count >= batchCount { return read }
            }
        } catch {
            connection.closeCursor(cursor.pointer)
            throw error
        }
        connection.closeCursor(cursor.pointer)
        read.cursor = nil
        return read
    }
}
