public import DaybookBSON

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
            documents: snapshotQuery(Selection(filter: filter, sort: sort, limit: limit), waitFor: commit))
    }

    /// The snapshots that match a MongoDB filter on the stored document, such as `["state.status": "issued"]`. To write
    /// one, import `DaybookBSON` too. It is sent to the server as it is: never build one from untrusted input.
    public func query(
        matching filter: BSONDocument, sort: [Sort<A>] = [], limit: Int? = nil, waitFor commit: Commit? = nil
    )
        -> SnapshotQuery<A>
    {
        query(where: .raw(filter), sort: sort, limit: limit, waitFor: commit)
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
        try await store.telemetry.perform("count", type: A.type) {
            try await snapshotQuery(Selection(filter: filter), waitFor: commit).count()
        }
    }

    /// How many stored snapshots match a MongoDB filter. The filter may use every operator that `$match` allows in an
    /// aggregation.
    ///
    /// - Throws: ``DaybookError``
    public func count(matching filter: BSONDocument, waitFor commit: Commit? = nil) async throws -> Int {
        try await count(where: .raw(filter), waitFor: commit)
    }

    /// Whether any stored snapshot matches `filter`. It costs as much as finding one.
    ///
    /// - Throws: ``DaybookError``
    public func contains(where filter: Filter<A>, waitFor commit: Commit? = nil) async throws -> Bool {
        try await store.telemetry.perform("contains", type: A.type) {
            try await snapshotQuery(Selection(filter: filter), waitFor: commit).findsAny()
        }
    }
}
