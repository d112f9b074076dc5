public import DaybookBSON

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
