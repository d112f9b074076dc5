internal import DaybookBSON

/// The server's cursor of one iterator, and the connection that it uses.
///
/// `@unchecked Sendable`: `open` is accessed by the one task that iterates, and by `deinit` when no task can iterate
/// any more.
final class SequenceCursor<Element: Sendable>: @unchecked Sendable {
    private struct Open {
        let connection: MongoConnection
        let handle: OpaqueHandle
    }

    private let sequence: CursorSequence<Element>
    private var open: Open?

    init(_ sequence: CursorSequence<Element>) {
        self.sequence = sequence
    }

    deinit {
        // The iterator was abandoned. Closing a cursor may send a command, so it happens later, on the connection's
        // thread.
        guard let open else { return }
        let client = sequence.client
        Task {
            await open.connection.closeCursor(open.handle.pointer)
            client.checkIn(open.connection, .cursor)
        }
    }

    /// How the sequence ends after its last batch.
    enum Ending: Sendable {
        case end
        case failure(any Error)
    }

    /// The next elements, and how the sequence ends if they are the last.
    func nextBatch() async throws -> ([Element], last: BSONDocument?, Ending?) {
        let connection: MongoConnection
        if let open {
            connection = open.connection
        } else {
            connection = try await sequence.client.checkOut(.cursor)
        }
        do {
            try Task.checkCancellation()
            let (batch, last, handle, ending) = try await Self.advance(sequence, open?.handle, on: connection)
            open = handle.map { Open(connection: connection, handle: $0) }
            if handle == nil { sequence.client.checkIn(connection, .cursor) }
            return (batch, last, ending)
        } catch {
            if let handle = open?.handle { await connection.closeCursor(handle.pointer) }
            open = nil
            sequence.client.checkIn(connection, .cursor)
            throw error
        }
    }

    /// The next elements, and the cursor if there may be more. A batch is large enough for one change of threads, and
    /// small enough to keep memory use flat.
    ///
    /// Elements that were read before an error are still returned: the history of an aggregate is read up to its broken
    /// event.
    ///
    /// - Throws: Only the error of opening the cursor.
    private static func advance(
        _ sequence: CursorSequence<Element>, _ handle: OpaqueHandle?, on connection: isolated MongoConnection
    ) throws -> ([Element], last: BSONDocument?, OpaqueHandle?, Ending?) {
        let cursor: OpaquePointer
        if let handle {
            cursor = handle.pointer
        } else {
            try connection.prepare()
            cursor = try connection.openCursor(sequence.request, in: sequence.namespace, options: sequence.options)
        }
        var batch: [Element] = []
        // A document is invalid once the next one is requested, which may fail.
        var last: [UInt8] = []
        var lastDocument: BSONDocument? { last.isEmpty ? nil : BSONDocument(unchecked: last) }
        var ending = Ending.end
        do {
            var bytes = 0
            while let document = try connection.next(cursor, in: sequence.namespace) {
                bytes += document.bytes.count
                batch.append(try sequence.decode(document))
                last.replaceSubrange(last.startIndex..., with: document.bytes)
                if batch.count >= 256 || bytes >= 1 << 20 { return (batch, lastDocument, OpaqueHandle(cursor), nil) }
            }
        } catch {
            ending = .failure(error)
        }
        connection.closeCursor(cursor)
        return (batch, lastDocument, nil, ending)
    }
}
