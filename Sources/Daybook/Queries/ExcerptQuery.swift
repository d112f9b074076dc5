/// A query of parts of snapshots. Each iteration starts a new query, and reads in batches.
public struct ExcerptQuery<A: Aggregate, Value: Decodable & Sendable>: AsyncSequence, Sendable {
    /// What a field of a snapshot has, with the snapshot's id and version.
    public typealias Element = SnapshotExcerpt<Value>

    let documents: DocumentQuery<SnapshotExcerpt<Value>>

    /// Starts a new query.
    public func makeAsyncIterator() -> Iterator {
        Iterator(cursor: QueryCursor(documents))
    }

    /// Reads the excerpts one after another.
    public struct Iterator: AsyncIteratorProtocol {
        var cursor: QueryCursor<SnapshotExcerpt<Value>>

        /// - Throws: ``DaybookError``; `invalidArgument` when a value can be decoded neither from a stored snapshot nor
        ///   from the same fields of the folded state, because the two types do not fit each other.
        public mutating func next() async throws -> SnapshotExcerpt<Value>? {
            try await cursor.next()
        }
    }
}
