public import DaybookBSON

/// A part of the state of one aggregate at one version; see ``Repository/query(_:of:where:sort:limit:waitFor:)``.
public struct SnapshotExcerpt<Value: Sendable>: Sendable {
    /// The aggregate.
    public let id: AggregateID
    /// The last event that `value` includes.
    public let version: Int64
    /// What was asked for of the state.
    public let value: Value
}

extension SnapshotExcerpt: Equatable where Value: Equatable {}

extension Repository {
    /// Parts of the snapshots that match `filter`, in the given order, the id last: only the named fields leave the server.
    ///
    /// ```swift
    /// struct Row: Decodable, Sendable {
    ///     var status: License.Status
    ///     var expiresAt: Date?
    /// }
    /// for try await row in licenses.query(Row.self, of: [\.status, \.expiresAt], where: \.renewals < 3) {
    ///     print(row.id, row.version, row.value.status)
    /// }
    /// ```
    ///
    /// The value is decoded from what the state would be if it had these fields alone, under their stored names: one that is declared as
    /// `place.row` is the `row` of a `place`. A stored snapshot from which it cannot be decoded, or that has another `stateSchema` than the
    /// declared one, is folded anew from the journal, with a warning; one without events is left out. Otherwise as
    /// ``query(where:sort:limit:waitFor:)``.
    ///
    /// - Parameters:
    ///   - value: What to decode.
    ///   - fields: What of the state it is decoded from, at least one declared field.
    public func query<Value: Decodable & Sendable>(
        _ value: Value.Type, of fields: [any PartialKeyPath<A> & Sendable], where filter: Filter<A>? = nil, sort: [Sort<A>] = [],
        limit: Int? = nil, waitFor commit: Commit? = nil
    ) -> ExcerptQuery<A, Value> {
        ExcerptQuery(
            selection: SnapshotSelection(repository: self, condition: .typed(filter), sort: sort, limit: limit, waitFor: commit),
            fields: fields)
    }

    /// Parts of the snapshots that match a MongoDB filter on the stored document; otherwise as ``query(_:of:where:sort:limit:waitFor:)``.
    public func query<Value: Decodable & Sendable>(
        _ value: Value.Type, of fields: [any PartialKeyPath<A> & Sendable], matching filter: BSONDocument, sort: [Sort<A>] = [],
        limit: Int? = nil, waitFor commit: Commit? = nil
    ) -> ExcerptQuery<A, Value> {
        ExcerptQuery(
            selection: SnapshotSelection(repository: self, condition: .raw(filter), sort: sort, limit: limit, waitFor: commit),
            fields: fields)
    }
}

/// A query of parts of snapshots; each iteration asks anew, and reads in batches as it goes on.
public struct ExcerptQuery<A: Aggregate, Value: Decodable & Sendable>: AsyncSequence, Sendable {
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
                            SnapshotExcerpt(id: id, version: version, value: try decoder.decode(Value.self, from: state))
                        }
                    },
                    refold: { snapshot in try excerpt.decode(from: snapshot) })
            })
    }

    /// Reads the excerpts one after the other.
    public struct Iterator: AsyncIteratorProtocol {
        var cursor: Result<QueryCursor<A, SnapshotExcerpt<Value>>, any Error>

        /// - Throws: ``DaybookError``; `invalidArgument` when a value can be decoded neither from a stored snapshot nor from the same fields of
        ///   the folded state: then the two types do not fit each other.
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
