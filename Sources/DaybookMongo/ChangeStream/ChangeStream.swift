internal import DaybookBSON

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

extension ChangeStream {
    /// The stages after `$changeStream`.
    ///
    /// When the collection is dropped or renamed the server ends the stream by an event of the type `invalidate`. It stands before these stages: a
    /// filter that leaves it out would leave a stream that ends without a word, with a token that no stream resumes after.
    /// https://www.mongodb.com/docs/manual/reference/change-events/invalidate/
    var pipeline: [BSONDocument] {
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
