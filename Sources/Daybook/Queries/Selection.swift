internal import DaybookBSON

/// Which documents a query, a page or a count selects, and in which order.
struct Selection<Root: Queryable>: Sendable {
    let filter: Filter<Root>?
    var sort: [Sort<Root>] = []
    var limit: Int?

    /// Every kind of query validates its selection before it sends anything.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument``
    func prepare() throws -> PreparedQuery {
        if let limit, limit < 1 { throw DaybookError(.invalidArgument, "a query's limit is at least 1, not \(limit)") }
        return PreparedQuery(
            filter: try filter?.document() ?? BSONDocument(), columns: try SortColumn.columns(of: sort), limit: limit,
            isByArray: sort.contains(where: \.isOfArrays))
    }
}
