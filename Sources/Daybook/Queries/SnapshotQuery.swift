/// A query of snapshots. Each iteration starts a new query, and reads in batches.
///
/// A matching snapshot that cannot be read, or whose `stateSchema` is not the declared one, is folded from the journal,
/// with a warning. One without events is left out. A folded aggregate is returned as the journal has it now, whether or
/// not it still matches.
public struct SnapshotQuery<A: Aggregate>: AsyncSequence, Sendable {
    let documents: DocumentQuery<Snapshot<A>>

    /// Starts a new query.
    public func makeAsyncIterator() -> Iterator {
        Iterator(cursor: QueryCursor(documents))
    }

    /// Reads the snapshots one after another.
    public struct Iterator: AsyncIteratorProtocol {
        var cursor: QueryCursor<Snapshot<A>>

        /// - Throws: ``DaybookError``
        public mutating func next() async throws -> Snapshot<A>? {
            try await cursor.next()
        }
    }
}
