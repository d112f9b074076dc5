public import DaybookBSON
internal import DaybookMongo

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
        try await page(
            SnapshotSelection(repository: self, condition: .typed(filter), sort: sort, limit: limit, waitFor: commit),
            limit, key)
    }

    /// One page of the snapshots that match a MongoDB filter on the stored document; otherwise as
    /// ``page(where:sort:limit:after:waitFor:)``.
    public func page(
        matching filter: BSONDocument, sort: [Sort<A>] = [], limit: Int = 50, after key: PageKey? = nil,
        waitFor commit: Commit? = nil
    ) async throws -> Page<A> {
        try await page(
            SnapshotSelection(repository: self, condition: .raw(filter), sort: sort, limit: limit, waitFor: commit),
            limit, key)
    }

    private func page(_ selection: SnapshotSelection<A>, _ limit: Int, _ key: PageKey?) async throws -> Page<A> {
        try await store.telemetry.perform("page", type: A.type) {
            let prepared = try await selection.prepare()
            if selection.sort.contains(where: \.isOfArrays) {
                throw DaybookError(
                    .invalidArgument, "a field that is stored as an array cannot be paged by; sort by another")
            }
            var position = try key?.position(of: A.type, in: prepared.columns)
            var items: [Snapshot<A>] = []
            while true {
                try Task.checkCancellation()
                let (found, last) = try await find(prepared, after: position, limit: limit - items.count)
                for snapshot in found {
                    if let item = try await resolve(snapshot, refold: { $0 }) { items.append(item) }
                }
                guard let last else { return Page(items: items, next: nil) }
                if items.count == limit {
                    return Page(
                        items: items,
                        next: try PageKey(last, fingerprint: PageKey.fingerprint(A.type, prepared.columns)))
                }
                // Some snapshots were left out, so read more to fill the page.
                position = last
            }
        }
    }

    /// The snapshots after `position`, and the position of the last one when there are more.
    private func find(
        _ prepared: SnapshotSelection<A>.Prepared, after position: PagePosition?, limit: Int
    ) async throws -> ([QueriedSnapshot<Snapshot<A>>], PagePosition?) {
        let columns = prepared.columns
        let filter = prepared.filter(after: position)
        var options = prepared.options
        options.sort = prepared.order
        // One more document shows whether there is another page.
        options.limit = limit < .max ? limit + 1 : limit
        return try await store.client.readingThroughSwaps { [options] connection in
            var found: [QueriedSnapshot<Snapshot<A>>] = []
            var last: Result<PagePosition, any Error>?
            var hasMore = false
            try connection.find(filter, in: snapshots, options: options) { document in
                guard found.count < limit else {
                    hasMore = true
                    return false
                }
                found.append(try QueriedSnapshot(document, coding.decoder))
                if found.count == limit { last = Result { try PagePosition(of: document, in: columns) } }
                return true
            }
            return (found, hasMore ? try last?.get() : nil)
        }
    }
}

extension SnapshotSelection.Prepared {
    /// The filter for what follows `position`. The two conditions stay separate, so that an index can serve either.
    func filter(after position: PagePosition?) -> BSONDocument {
        guard let following = position?.following(in: columns) else { return filter }
        guard filter != BSONDocument() else { return following }
        return ["$and": [.document(filter), .document(following)]]
    }
}
