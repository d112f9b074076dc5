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

    /// The names of the collections, and not of views, that match a filter on name and type; of those that the user may read, where not of all.
    package func collectionNames(matching filter: BSONDocument, in database: String) throws(MongoError) -> [String] {
        // One batch: a database of more has other worries.
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
