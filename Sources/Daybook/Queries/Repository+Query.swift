public import DaybookBSON
internal import DaybookMongo

extension Repository {
    /// The snapshots that match `filter`, in the given order, the id last.
    ///
    /// No server is queried before the iteration starts. The query reads according to the URI's read preference. On the
    /// primary it sees every commit that returned before it started. With the lifecycle ``Lifecycle/async`` it sees the
    /// commit that it waits for.
    ///
    /// - Parameter commit: Wait until the primary's snapshot includes this commit; see ``waitForSnapshot(of:)``.
    public func query(
        where filter: Filter<A>? = nil, sort: [Sort<A>] = [], limit: Int? = nil, waitFor commit: Commit? = nil
    )
        -> SnapshotQuery<A>
    {
        SnapshotQuery(
            selection: SnapshotSelection(
                repository: self, condition: .typed(filter), sort: sort, limit: limit, waitFor: commit))
    }

    /// The snapshots that match a MongoDB filter on the stored document, such as `["state.status": "issued"]`. To write
    /// one, import `DaybookBSON` too. It is sent to the server as it is: never build one from untrusted input.
    public func query(
        matching filter: BSONDocument, sort: [Sort<A>] = [], limit: Int? = nil, waitFor commit: Commit? = nil
    )
        -> SnapshotQuery<A>
    {
        SnapshotQuery(
            selection: SnapshotSelection(
                repository: self, condition: .raw(filter), sort: sort, limit: limit, waitFor: commit))
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
        // The first match has no events; a later one may have some.
        cursor = query(where: filter, sort: sort).makeAsyncIterator().cursor
        return try await cursor.next()
    }

    /// How many stored snapshots match `filter`.
    ///
    /// The server counts without returning documents, so snapshots that a query would fold again or leave out count as
    /// they are stored.
    ///
    /// - Throws: ``DaybookError``
    public func count(where filter: Filter<A>? = nil, waitFor commit: Commit? = nil) async throws -> Int {
        try await count(.typed(filter), commit)
    }

    /// How many stored snapshots match a MongoDB filter. The filter may use every operator that `$match` allows in an
    /// aggregation.
    ///
    /// - Throws: ``DaybookError``
    public func count(matching filter: BSONDocument, waitFor commit: Commit? = nil) async throws -> Int {
        try await count(.raw(filter), commit)
    }

    /// Whether any stored snapshot matches `filter`. It costs as much as finding one.
    ///
    /// - Throws: ``DaybookError``
    public func contains(where filter: Filter<A>, waitFor commit: Commit? = nil) async throws -> Bool {
        try await store.telemetry.perform("contains", type: A.type) {
            var prepared = try await SnapshotSelection(repository: self, condition: .typed(filter), waitFor: commit)
                .prepare()
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
            let prepared = try await SnapshotSelection(repository: self, condition: condition, waitFor: commit)
                .prepare()
            return try await store.client.readingThroughSwaps { connection in
                try connection.count(prepared.filter, in: snapshots, reads: prepared.options.reads)
            }
        }
    }
}
