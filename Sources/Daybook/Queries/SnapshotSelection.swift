internal import DaybookBSON
internal import DaybookMongo

/// Which snapshots a query, a page or a count is about, in which order: what all of them go through before they ask the server.
struct SnapshotSelection<A: Aggregate>: Sendable {
    enum Condition: Sendable {
        case typed(Filter<A>?)
        case raw(BSONDocument)
    }

    let repository: Repository<A>
    let condition: Condition
    var sort: [Sort<A>] = []
    var limit: Int?
    /// What the primary's snapshots must have before the server is asked.
    var waitFor: Commit?

    /// The one place where a query is made ready, whatever it gives: what it has to wait for is awaited here, and what is wrong with it is
    /// said here, before any server is asked.
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
        return Prepared(filter: filter, columns: columns, isSorted: !sort.isEmpty, limit: limit)
    }

    /// What MongoDB is asked for.
    struct Prepared: Sendable {
        var filter: BSONDocument
        /// The id last.
        var columns: [SortColumn]
        var isSorted: Bool
        var limit: Int?

        /// The user says where queries are read from: by the read preference in the URI.
        var options: FindOptions {
            FindOptions(sort: isSorted ? order : [], limit: limit, reads: .asConfigured)
        }

        var order: [(key: String, direction: Int32)] { columns.map { (key: $0.path, direction: $0.direction) } }
    }
}
