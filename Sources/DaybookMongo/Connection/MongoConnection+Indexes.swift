package import DaybookBSON

extension MongoConnection {
    /// Creates those indexes that are missing, and the collection if it is missing.
    ///
    /// - Throws: ``MongoError`` when another kind of index has the same name or keys (server code 85 or 86), and
    ///   `duplicateKey` when the documents violate a unique one.
    package func createIndexes(_ indexes: [IndexModel], in namespace: Namespace) throws {
        guard !indexes.isEmpty else { return }
        try createIndexes(described: try indexes.map { try $0.document() }, in: namespace)
    }

    /// Creates indexes from descriptions in the server's form. It returns when they are built, however long that takes.
    package func createIndexes(described indexes: [BSONDocument], in namespace: Namespace) throws(MongoError) {
        _ = try write(
            ["createIndexes": .string(namespace.collection), "indexes": .array(indexes.map { .document($0) })],
            database: namespace.database, takesLong: true)
    }

    /// The descriptions of the indexes that a collection has and uses; empty for a collection that does not exist.
    package func indexes(of namespace: Namespace) throws(MongoError) -> [BSONDocument] {
        try allIndexes(of: namespace).ready
    }

    /// The descriptions of a collection's indexes, and of those that the server is still building. Unfinished ones are
    /// not used for queries, and unfinished unique ones do not prevent duplicates.
    ///
    /// https://www.mongodb.com/docs/manual/core/index-creation/
    package func allIndexes(of namespace: Namespace) throws(MongoError) -> (
        ready: [BSONDocument], unfinished: [BSONDocument]
    ) {
        let listed: [BSONDocument]
        do {
            // With includeBuildUUIDs the server marks unfinished indexes, as { spec: { … }, buildUUID: … }. Otherwise
            // it lists them as if they were ready. (mongodb/mongo, src/mongo/db/commands/list_indexes.cpp, 4.4 and
            // later) A collection has at most 64 indexes, fewer than a first batch holds.
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

    /// Drops an index.
    package func dropIndex(_ name: String, of namespace: Namespace) throws(MongoError) {
        _ = try write(
            ["dropIndexes": .string(namespace.collection), "index": .string(name)], database: namespace.database)
    }
}
