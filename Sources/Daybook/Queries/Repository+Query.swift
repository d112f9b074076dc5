public import DaybookBSON
internal import DaybookMongo

extension Repository {
    /// The snapshots that match `filter`, in the given order, the id last.
    ///
    /// Nothing is asked before the iteration starts. It reads where the URI's read preference says; on the primary it sees every commit that
    /// returned before it started, or the one that it is to wait for where the lifecycle is ``Lifecycle/async``.
    ///
    /// - Parameter commit: Waits until the primary's snapshot has this commit; see ``waitForSnapshot(of:)``.
    public func query(where filter: Filter<A>? = nil, sort: [Sort<A>] = [], limit: Int? = nil, waitFor commit: Commit? = nil)
        -> SnapshotQuery<A>
    {
        SnapshotQuery(
            selection: SnapshotSelection(repository: self, condition: .typed(filter), sort: sort, limit: limit, waitFor: commit))
    }

    /// The snapshots that match a MongoDB filter on the stored document, as in `["state.status": "issued"]`; to write one, import
    /// `DaybookBSON` too. It goes to the server as it is: never make one from what a stranger wrote.
    public func query(matching filter: BSONDocument, sort: [Sort<A>] = [], limit: Int? = nil, waitFor commit: Commit? = nil)
        -> SnapshotQuery<A>
    {
        SnapshotQuery(
            selection: SnapshotSelection(repository: self, condition: .raw(filter), sort: sort, limit: limit, waitFor: commit))
    }

    /// The first snapshot that matches `filter` in the given order, the id last; nil when there is none.
    ///
    /// - Throws: ``DaybookError``
    public func first(where filter: Filter<A>? = nil, sort: [Sort<A>] = [], waitFor commit: Commit? = nil) async throws
        -> Snapshot<A>?
    {
        var cursor = query(where: filter, sort: sort, limit: 1, waitFor: commit).makeAsyncIterator().cursor
        if let found = try await cursor.next() { return found }
        guard cursor.hasLeftOut else { return nil }
        // The first match has no events; behind it may be one that has.
        cursor = query(where: filter, sort: sort).makeAsyncIterator().cursor
        return try await cursor.next()
    }

    /// How many stored snapshots match `filter`.
    ///
    /// The server counts them without giving out any, so those that a query would fold anew or leave out count as they are stored.
    ///
    /// - Throws: ``DaybookError``
    public func count(where filter: Filter<A>? = nil, waitFor commit: Commit? = nil) async throws -> Int {
        try await count(.typed(filter), commit)
    }

    /// How many stored snapshots match a MongoDB filter; it may have every operator that an aggregation's `$match` takes.
    ///
    /// - Throws: ``DaybookError``
    public func count(matching filter: BSONDocument, waitFor commit: Commit? = nil) async throws -> Int {
        try await count(.raw(filter), commit)
    }

    /// Whether any stored snapshot matches `filter`: at the cost of finding one.
    ///
    /// - Throws: ``DaybookError``
    public func contains(where filter: Filter<A>, waitFor commit: Commit? = nil) async throws -> Bool {
        try await store.telemetry.perform("contains", type: A.type) {
            var prepared = try await SnapshotSelection(repository: self, condition: .typed(filter), waitFor: commit).prepare()
            prepared.limit = 1
            var options = prepared.options
            options.projection = ["_id": 1]
            return try await store.client.readingThroughSwaps { [prepared, options] connection in
                try connection.findOne(prepared.filter, in: snapshots, options: options) { _ in true } ?? false
            }
        }
    }

    private func count(_ condition: SnapshotSelection<A>.Condition, _ commit: Commit?) async throws -> Int {
        try await store.telemetry.perform("count", type: A.type) {
            let prepared = try await SnapshotSelection(repository: self, condition: condition, waitFor: commit).prepare()
            return try await store.client.readingThroughSwaps { connection in
                try connection.count(prepared.filter, in: snapshots, reads: prepared.options.reads)
            }
        }
    }
}
