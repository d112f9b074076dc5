public import DaybookBSON

extension Repository {
    /// Parts of the snapshots that match `filter`, in the given order, the id last: the server returns only the named
    /// fields.
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
    /// The value is decoded from a state that has only these fields, under their stored names: a field that is declared
    /// as `place.row` is the `row` of a `place`. If the value cannot be decoded from a stored snapshot, or the
    /// snapshot's `stateSchema` is not the declared one, the aggregate is folded from the journal, with a warning. An
    /// aggregate without events is left out. Otherwise it works as ``query(where:sort:limit:waitFor:)``.
    ///
    /// - Parameters:
    ///   - value: The type to decode.
    ///   - fields: The fields of the state that it is decoded from: at least one, each of them declared.
    public func query<Value: Decodable & Sendable>(
        _ value: Value.Type, of fields: [any PartialKeyPath<A> & Sendable], where filter: Filter<A>? = nil,
        sort: [Sort<A>] = [],
        limit: Int? = nil, waitFor commit: Commit? = nil
    ) -> ExcerptQuery<A, Value> {
        let selection = Selection(filter: filter, sort: sort, limit: limit)
        return ExcerptQuery(documents: excerptQuery(selection, of: fields, waitFor: commit))
    }

    /// Parts of the snapshots that match a MongoDB filter on the stored document; otherwise as
    /// ``query(_:of:where:sort:limit:waitFor:)``.
    public func query<Value: Decodable & Sendable>(
        _ value: Value.Type, of fields: [any PartialKeyPath<A> & Sendable], matching filter: BSONDocument,
        sort: [Sort<A>] = [],
        limit: Int? = nil, waitFor commit: Commit? = nil
    ) -> ExcerptQuery<A, Value> {
        query(value, of: fields, where: .raw(filter), sort: sort, limit: limit, waitFor: commit)
    }
}
