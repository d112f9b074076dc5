internal import DaybookBSON

/// A query of parts of snapshots. Each iteration starts a new query, and reads in batches.
public struct ExcerptQuery<A: Aggregate, Value: Decodable & Sendable>: AsyncSequence, Sendable {
    /// What a field of a snapshot has, with the snapshot's id and version.
    public typealias Element = SnapshotExcerpt<Value>

    let selection: SnapshotSelection<A>
    let fields: [any PartialKeyPath<A> & Sendable]

    /// Starts a new query.
    public func makeAsyncIterator() -> Iterator {
        Iterator(
            cursor: Result {
                let excerpt = try StateExcerpt(of: fields.map { try A.field($0).name })
                let decoder = BSONDecoder()
                return QueryCursor(
                    selection: selection, projection: try excerpt.projection,
                    decode: { document in
                        try QueriedSnapshot(document, of: A.self) { id, version, _, state in
                            SnapshotExcerpt(
                                id: id, version: version, value: try decoder.decode(Value.self, from: state))
                        }
                    },
                    refold: { snapshot in try excerpt.decode(from: snapshot) })
            })
    }

    /// Reads the excerpts one after another.
    public struct Iterator: AsyncIteratorProtocol {
        var cursor: Result<QueryCursor<A, SnapshotExcerpt<Value>>, any Error>

        /// - Throws: ``DaybookError``; `invalidArgument` when a value can be decoded neither from a stored snapshot nor
        ///   from the same fields of the folded state, because the two types do not fit each other.
        public mutating func next() async throws -> SnapshotExcerpt<Value>? {
            var opened: QueryCursor<A, SnapshotExcerpt<Value>>
            do {
                opened = try cursor.get()
            } catch {
                throw DaybookError.enriching(error, operation: "query", aggregateID: nil)
            }
            defer { cursor = .success(opened) }
            return try await opened.next()
        }
    }
}
