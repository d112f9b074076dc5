package import DaybookBSON

extension MongoConnection {
    /// What the server says of collections and views: `{ name, type, options, info }`. None for those that are not there.
    ///
    /// https://www.mongodb.com/docs/manual/reference/command/listCollections/
    package func collections(named names: [String], in database: String) throws(MongoError) -> [BSONDocument] {
        let filter: BSONDocument = ["name": ["$in": .array(names.map { .string($0) })]]
        var command: BSONDocument = ["listCollections": 1, "filter": .document(filter)]
        // One batch, whatever there is: a collection's options are a few kilobytes.
        try? command.append("cursor", ["batchSize": .int32(Int32(clamping: names.count + 1))])
        let reply = try read(command, database: database)
        guard case .document(let cursor) = reply["cursor"] else { return [] }
        return cursor.documents("firstBatch")
    }
}
