internal import CMongoC
package import DaybookBSON

extension MongoClient {
    /// The documents that match, each decoded by `decode` on the connection's thread while it is borrowed.
    ///
    /// Documents come in batches: a change of thread for each batch, not for each document, and the next batch is asked for when the
    /// last is used up. A connection is held from the first element to the end, an error, or the iterator's end of life; a result that
    /// fits one batch gives it back at once.
    package func find<Element: Sendable>(
        _ filter: BSONDocument, in namespace: Namespace, options: FindOptions,
        decode: @escaping @Sendable (BorrowedDocument) throws -> Element
    ) -> CursorSequence<Element> {
        CursorSequence(client: self, request: .find(filter), namespace: namespace, options: options, decode: decode)
    }

    /// The documents that a pipeline gives; otherwise as ``find(_:in:options:decode:)``.
    package func aggregate<Element: Sendable>(
        _ pipeline: [BSONDocument], in namespace: Namespace, options: FindOptions,
        decode: @escaping @Sendable (BorrowedDocument) throws -> Element
    ) -> CursorSequence<Element> {
        CursorSequence(client: self, request: .pipeline(pipeline), namespace: namespace, options: options, decode: decode)
    }
}

/// See ``MongoClient/find(_:in:options:decode:)``. Each iteration asks the server anew.
package struct CursorSequence<Element: Sendable>: AsyncSequence, Sendable {
    let client: MongoClient
    let request: CursorRequest
    let namespace: Namespace
    let options: FindOptions
    let decode: @Sendable (BorrowedDocument) throws -> Element

    package func makeAsyncIterator() -> Iterator {
        Iterator(SequenceCursor(self))
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let cursor: SequenceCursor<Element>
        private var batch: [Element] = []
        /// Of the batch's element that is given out next.
        private var index = 0
        private var ending: SequenceCursor<Element>.Ending?
        /// The last document of those that elements were made of so far, where they were; nil before the first. When a cursor ends in an error,
        /// it is the last that was given out.
        package private(set) var last: BSONDocument?

        init(_ cursor: SequenceCursor<Element>) {
            self.cursor = cursor
        }

        package mutating func next() async throws -> Element? {
            while true {
                if index < batch.count {
                    index += 1
                    return batch[index - 1]
                }
                switch ending {
                case .none: break
                case .end: return nil
                case .failure(let error): throw error
                }
                do {
                    let (batch, last, ending) = try await cursor.nextBatch()
                    (self.batch, index, self.ending) = (batch, 0, ending)
                    self.last = last ?? self.last
                } catch {
                    ending = .failure(error)
                }
            }
        }
    }
}

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

/// A C pointer on its way to the one connection that may use it.
///
/// `@unchecked Sendable`: it is only passed along; whoever uses it is isolated to the connection that made it.
struct OpaqueHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }
}
