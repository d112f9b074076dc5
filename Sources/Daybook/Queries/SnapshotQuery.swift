/// A query of snapshots; each iteration asks anew, and reads in batches as it goes on.
///
/// A snapshot that matches but cannot be read, or has another `stateSchema` than the declared one, is folded anew from the journal, with a
/// warning; one without events is left out. What was folded anew is what the journal has now, whether or not that still matches.
public struct SnapshotQuery<A: Aggregate>: AsyncSequence, Sendable {
    let selection: SnapshotSelection<A>

    /// Starts a new query.
    public func makeAsyncIterator() -> Iterator {
        let decoder = selection.repository.coding.decoder
        return Iterator(
            cursor: QueryCursor(
                selection: selection, projection: nil, decode: { try QueriedSnapshot($0, decoder) }, refold: { $0 }))
    }

    /// Reads the snapshots one after the other.
    public struct Iterator: AsyncIteratorProtocol {
        var cursor: QueryCursor<A, Snapshot<A>>

        /// - Throws: ``DaybookError``
        public mutating func next() async throws -> Snapshot<A>? {
            try await cursor.next()
        }
    }
}
