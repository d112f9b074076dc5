internal import DaybookBSON
internal import DaybookMongo

/// Which snapshots a query, a page or a count selects, and in which order. All of them prepare their queries here.
struct SnapshotSelection<A: Aggregate>: Sendable {
    enum Condition: Sendable {
        case typed(Filter<A>?)
        case raw(BSONDocument)
    }

    let repository: Repository<A>
    let condition: Condition
    var sort: [Sort<A>] = []
    var limit: Int?
    /// A commit that the primary's snapshot must include before the query is sent.
    var waitFor: Commit?

    /// Validates the selection and waits for its commit. Every kind of query does this before it sends anything.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument``
    func prepare() async throws -> Prepared {
        try A.requireSnapshots()
        if let limit, limit < 1 { throw DaybookError(.invalidArgument, "a query's limit is at least 1, not \(limit)") }
        let filter =
            switch condition {
            case .typed(let filter): try filter?.document() ?? BSONDocument()
            case .raw(let document): document
            }
        let columns = try SortColumn.columns(of: sort)
        if let waitFor {
            guard waitFor.aggregateID.type == A.type else {
                throw DaybookError(
                    .invalidArgument, "a query of \(A.type) cannot wait for a commit to \(waitFor.aggregateID.type)",
                    aggregateID: waitFor.aggregateID.rawValue)
            }
            try await repository.waitForSnapshot(of: waitFor)
        }
        return Prepared(filter: filter, columns: columns, limit: limit)
    }

    /// The query for MongoDB.
    struct Prepared: Sendable {
        var filter: BSONDocument
        /// The columns to sort by, the id last.
        var columns: [SortColumn]
        var limit: Int?

        /// Reads follow the read preference in the URI.
        var options: FindOptions {
            // Always sorted, also when no order was requested: if the cursor ends early, a new one can continue after
            // its position.
            FindOptions(sort: order, limit: limit, reads: .asConfigured)
        }

        var order: [(key: String, direction: Int32)] { columns.map { (key: $0.path, direction: $0.direction) } }
    }
}
