internal import DaybookBSON
package import DaybookMongo

extension Journal {
    /// The types of the aggregates it has, in byte order, found by skipping along the index: one look for each.
    package func typeNames(on connection: isolated MongoConnection) throws -> [String] {
        var types: [String] = []
        var lower = ""
        while true {
            let options = FindOptions(sort: [("aggregateId", 1), ("version", 1)], projection: ["_id": 0, "aggregateId": 1])
            let id =
                try connection.findOne(["aggregateId": ["$gte": .string(lower)]], in: namespace, options: options) {
                    try $0.first("aggregateId")?.string()
                } ?? nil
            // Before `lower` there is only an event that has its aggregate id twice, and is found by the other one: it is no way on.
            guard let id, !id.isBefore(lower) else { return types }
            let type = id.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(id[..<$0]) } ?? id
            types.append(type)
            // "0" follows "/".
            lower = type == id ? "\(id)\0" : "\(type)0"
        }
    }
}
