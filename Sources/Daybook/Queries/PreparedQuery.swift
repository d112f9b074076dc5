internal import DaybookBSON
internal import DaybookMongo

/// A query for MongoDB.
struct PreparedQuery: Sendable {
    var filter: BSONDocument
    /// The columns to sort by, the id last.
    var columns: [SortColumn]
    var limit: Int?
    var projection: BSONDocument?
    /// Whether a field of the sort is stored as an array. Such an order has no positions to continue after.
    var isByArray = false

    /// Reads follow the read preference in the URI.
    var options: FindOptions {
        // Always sorted, also when no order was requested: if the cursor ends early, a new one can continue after its
        // position.
        FindOptions(sort: order, limit: limit, projection: projection, reads: .asConfigured)
    }

    var order: [(key: String, direction: Int32)] { columns.map { (key: $0.path, direction: $0.direction) } }

    /// The filter for what follows `position`. The two conditions stay separate, so that an index can serve either.
    func filter(after position: PagePosition?) -> BSONDocument {
        guard let following = position?.following(in: columns) else { return filter }
        guard filter != BSONDocument() else { return following }
        return ["$and": [.document(filter), .document(following)]]
    }
}
