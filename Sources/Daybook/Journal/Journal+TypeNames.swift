internal import DaybookBSON
package import DaybookMongo

extension Journal {
    /// The types of the journal's aggregates, in byte order. Found by skipping along the index, with one query for
    /// each.
    package func typeNames(on connection: isolated MongoConnection) throws -> [String] {
        var types: [String] = []
        var lower = ""
        while true {
            let options = FindOptions(
                sort: Journal.inAggregateOrder, projection: [EventKey.id: 0, EventKey.aggregateID: 1])
            let filter: BSONDocument = [EventKey.aggregateID: ["$gte": .string(lower)]]
            let id =
                try connection.findOne(filter, in: namespace, options: options) {
                    try $0.first(EventKey.aggregateID)?.string()
                } ?? nil
            // An id before `lower` is from a damaged event with two aggregate ids, found by the other one. Continuing
            // from it would loop.
            guard let id, !id.isBefore(lower) else { return types }
            let type = id.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(id[..<$0]) } ?? id
            types.append(type)
            lower = type == id ? "\(id)\0" : IDRange(under: type).upper
        }
    }
}
