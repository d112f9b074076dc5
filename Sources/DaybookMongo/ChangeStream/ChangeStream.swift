internal import DaybookBSON

/// The changes of the collections of one database, once a majority of the members has them.
///
/// A stream has a connection of its own, outside the client's permits, because waiting for a change occupies the
/// connection. Cancelling the waiting task takes effect within `maximumWait`. Every element has the token that resumes
/// after it. That includes ``Element/idle(_:)``, which follows each wait without a change: a checkpoint that is updated
/// with those tokens stays inside the oplog while nothing happens. Save a token only after its element was handled.
///
/// https://www.mongodb.com/docs/manual/changeStreams/
package struct ChangeStream<Change: Sendable>: AsyncSequence, Sendable {
    package enum Element: Sendable {
        case change(Change, ResumeToken)
        /// No change happened up to this token.
        case idle(ResumeToken)

        package var token: ResumeToken {
            switch self {
            case .change(_, let token), .idle(let token): token
            }
        }
    }

    let client: MongoClient
    let database: String
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

        /// Opens the stream now, so that no change after this call is missed. Otherwise the first ``next()`` opens it.
        package func open() async throws {
            try await cursor.open()
        }

        /// - Throws: ``MongoError``, `placeLost` when the database was dropped; what `decode` throws. The
        ///   stream has ended then. The last token that was returned resumes at the change that failed, so no later
        ///   change is returned as if that one had been handled.
        package func next() async throws -> Element? {
            try await cursor.next()
        }
    }
}

extension ChangeStream {
    /// The stages after `$changeStream`.
    ///
    /// When the database is dropped, the server ends the stream with an event of the type `invalidate`.
    /// That event must pass the filter: without it the stream would end silently, with a token that no stream can
    /// resume after.
    /// https://www.mongodb.com/docs/manual/reference/change-events/invalidate/
    var pipeline: [BSONDocument] {
        var stages: [BSONDocument] = []
        if let filter {
            stages.append(["$match": ["$or": [.document(filter), ["operationType": "invalidate"]]]])
        }
        if !fields.isEmpty {
            var shape: BSONDocument = ["operationType": 1]
            // Fails only for a key with NUL, or at 2 GiB; neither can happen here.
            for field in fields where field != "operationType" { try? shape.append(field, 1) }
            stages.append(["$project": .document(shape)])
        }
        return stages
    }
}
