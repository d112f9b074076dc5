internal import DaybookBSON
package import DaybookMongo

extension Journal {
    /// The types of the aggregates it has, in byte order, found by skipping along the index: one look for each.
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
            // Before `lower` there is only an event that has its aggregate id twice, and is found by the other one: it is no way on.
            guard let id, !id.isBefore(lower) else { return types }
            let type = id.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(id[..<$0]) } ?? id
            types.append(type)
            lower = type == id ? "\(id)\0" : IDRange(under: type).upper
        }
    }
}
