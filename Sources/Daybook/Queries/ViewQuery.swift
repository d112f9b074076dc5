/// A query of a view's documents. Each iteration starts a new query, and reads in batches. If the view is swapped for a
/// rebuilt one in the meantime, the iteration continues in that one after the last document that it returned.
public struct ViewQuery<Document: Queryable>: AsyncSequence, Sendable {
    let documents: DocumentQuery<ViewDocument<Document>>

    /// Starts a new query.
    public func makeAsyncIterator() -> Iterator {
        Iterator(cursor: QueryCursor(documents))
    }

    /// Reads the documents one after another.
    public struct Iterator: AsyncIteratorProtocol {
        var cursor: QueryCursor<ViewDocument<Document>>

        /// - Throws: ``DaybookError``; `unreadableDocument` when the next document cannot be decoded. The call after
        ///   that returns the one after it.
        public mutating func next() async throws -> ViewDocument<Document>? {
            try await cursor.next()
        }
    }
}
