internal import DaybookBSON

/// The server's cursor behind one iterator, and the connection it lives on.
///
/// `@unchecked Sendable`: `open` is touched by the one task that iterates, and by `deinit` when nobody can iterate any more.
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
        // An iterator that was abandoned: closing may ask the server, so it happens on the connection's thread, later.
        guard let open else { return }
        let client = sequence.client
        Task {
            await open.connection.closeCursor(open.handle.pointer)
            client.checkIn(open.connection, .cursor)
        }
    }

    /// What comes behind a batch that is the last.
    enum Ending: Sendable {
        case end
        case failure(any Error)
    }

    /// The next elements, and what comes behind them when they are the last.
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

    /// As many elements as one hop should bring, few enough to keep memory flat, and the cursor if there may be more.
    ///
    /// What was read before an error is still given out: the history of an aggregate is read up to the event that is broken.
    ///
    /// - Throws: Only what kept the cursor from being opened.
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
        // A document is gone when the next is asked for, and the next may be an error.
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
