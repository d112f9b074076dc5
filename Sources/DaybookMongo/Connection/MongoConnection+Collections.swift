package import DaybookBSON

extension MongoConnection {
    /// The server's descriptions of collections and views: `{ name, type, options, info }`. Those that do not exist are
    /// left out.
    ///
    /// https://www.mongodb.com/docs/manual/reference/command/listCollections/
    package func collections(named names: [String], in database: String) throws(MongoError) -> [BSONDocument] {
        let filter: BSONDocument = ["name": ["$in": .array(names.map { .string($0) })]]
        var command: BSONDocument = ["listCollections": 1, "filter": .document(filter)]
        // One batch is enough: a collection's options are a few kilobytes.
        try? command.append("cursor", ["batchSize": .int32(Int32(clamping: names.count + 1))])
        let reply = try read(command, database: database)
        guard case .document(let cursor) = reply["cursor"] else { return [] }
        return cursor.documents("firstBatch")
    }

    /// The names of the collections, without views, that match a filter on name and type. A user who may not read all
    /// of them gets only those that they may read.
    package func collectionNames(matching filter: BSONDocument, in database: String) throws(MongoError) -> [String] {
        // One batch is enough for any realistic number of collections.
        let command: BSONDocument = [
            "listCollections": 1, "filter": .document(filter), "nameOnly": true, "authorizedCollections": true,
            "cursor": ["batchSize": 100_000],
        ]
        let reply = try read(command, database: database)
        guard case .document(let cursor) = reply["cursor"] else { return [] }
        return cursor.documents("firstBatch").compactMap { collection in
            guard collection["type"] != "view", case .string(let name) = collection["name"] else { return nil }
            return name
        }
    }
}
