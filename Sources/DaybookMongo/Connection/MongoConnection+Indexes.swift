package import DaybookBSON

extension MongoConnection {
    /// Makes the indexes that are not there yet, and the collection if need be.
    ///
    /// - Throws: ``MongoError`` when one of the same name or keys but of another kind is in the way (server code 85 or 86), and
    ///   `duplicateKey` when a unique one cannot be made.
    package func createIndexes(_ indexes: [IndexModel], in namespace: Namespace) throws {
        guard !indexes.isEmpty else { return }
        try createIndexes(described: try indexes.map { try $0.document() }, in: namespace)
    }

    /// Makes indexes that are described as the server does it. It returns when they are built, however long that takes.
    package func createIndexes(described indexes: [BSONDocument], in namespace: Namespace) throws(MongoError) {
        _ = try write(
            ["createIndexes": .string(namespace.collection), "indexes": .array(indexes.map { .document($0) })],
            database: namespace.database, takesLong: true)
    }

    /// The indexes that a collection has and uses, as the server describes them; none for a collection that is not there.
    package func indexes(of namespace: Namespace) throws(MongoError) -> [BSONDocument] {
        try allIndexes(of: namespace).ready
    }

    /// The indexes of a collection, and those that the server is still building: they find nothing yet, and unique ones let duplicates in.
    ///
    /// https://www.mongodb.com/docs/manual/core/index-creation/
    package func allIndexes(of namespace: Namespace) throws(MongoError) -> (ready: [BSONDocument], unfinished: [BSONDocument]) {
        let listed: [BSONDocument]
        do {
            // Asked for the ids of builds, the server marks the unfinished ones: they come as { spec: { … }, buildUUID: … }. Otherwise it lists
            // them as if they were ready. (mongodb/mongo, src/mongo/db/commands/list_indexes.cpp, 4.4 and later)
            // A collection has at most 64 indexes, fewer than a first batch holds.
            let reply = try read(
                ["listIndexes": .string(namespace.collection), "includeBuildUUIDs": true], database: namespace.database)
            guard case .document(let cursor) = reply["cursor"] else { return ([], []) }
            listed = cursor.documents("firstBatch")
        } catch {
            guard error.serverError == .namespaceNotFound else { throw error }
            return ([], [])
        }
        let unfinished = listed.compactMap { index -> BSONDocument? in
            if case .document(let specification) = index["spec"] { specification } else { nil }
        }
        return (listed.filter { $0["spec"] == nil }, unfinished)
    }

    /// Removes an index.
    package func dropIndex(_ name: String, of namespace: Namespace) throws(MongoError) {
        _ = try write(
            ["dropIndexes": .string(namespace.collection), "index": .string(name)], database: namespace.database)
    }
}
