public import DaybookBSON

extension Repository {
    /// One page of the snapshots that match `filter`, in the given order, the id last.
    ///
    /// ```swift
    /// var page = try await licenses.page(where: \.status == .issued, sort: [.ascending(\.expiresAt)], limit: 20)
    /// while let next = page.next {
    ///     page = try await licenses.page(
    ///         where: \.status == .issued, sort: [.ascending(\.expiresAt)], limit: 20, after: next)
    /// }
    /// ```
    ///
    /// Page after page, a caller sees every snapshot that does not change in the meantime exactly once, whatever else
    /// is written: a page begins after the last page's final values, and not after a number of snapshots. So a late
    /// page costs no more than the first. A snapshot that changes may be seen at its old place, its new place, both or
    /// neither. The page after a key may be empty, when its snapshots were deleted or are left out. A snapshot without
    /// events is left out, and one that cannot be read is folded from the journal, as in a query.
    ///
    /// Pages cannot be sorted by a field that is stored as an array.
    ///
    /// - Parameters:
    ///   - limit: The most snapshots on the page, at least 1. They are all held in memory.
    ///   - key: Where the previous page ended; nil for the first page.
    /// - Throws: ``DaybookError``; `invalidArgument` when `key` belongs to another type or sort, `tooLarge` when the
    ///   values in the sort's fields are too long for a key.
    public func page(
        where filter: Filter<A>? = nil, sort: [Sort<A>] = [], limit: Int = 50, after key: PageKey? = nil,
        waitFor commit: Commit? = nil
    ) async throws -> Page<A> {
        try await store.telemetry.perform("page", type: A.type) {
            let selection = Selection(filter: filter, sort: sort, limit: limit)
            let (items, next) = try await snapshotQuery(selection, waitFor: commit).page(after: key)
            return Page(items: items, next: next)
        }
    }

    /// One page of the snapshots that match a MongoDB filter on the stored document; otherwise as
    /// ``page(where:sort:limit:after:waitFor:)``.
    public func page(
        matching filter: BSONDocument, sort: [Sort<A>] = [], limit: Int = 50, after key: PageKey? = nil,
        waitFor commit: Commit? = nil
    ) async throws -> Page<A> {
        try await page(where: .raw(filter), sort: sort, limit: limit, after: key, waitFor: commit)
    }
}
