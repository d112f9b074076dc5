package import DaybookBSON

extension MongoConnection {
    /// Makes the indexes that are not there yet, and the collection if need be.
    ///
    /// - Throws: ``MongoError`` when one of the same name or keys but of another kind is in the way (server code 85 or 86), and
    ///   `duplicateKey` when a unique one cannot be made.
    package func createIndexes(_ indexes: [IndexModel], in namespace: Namespace) throws {
        guard !indexes.isEmpty else { return }
        let models = try indexes.map { BSONValue.document(try $0.document()) }
        _ = try write(
            ["createIndexes": .string(namespace.collection), "indexes": .array(models)], database: namespace.database)
    }

    /// The indexes of a collection as the server describes them; none for a collection that is not there.
    package func indexes(of namespace: Namespace) throws(MongoError) -> [BSONDocument] {
        do {
            // A collection has at most 64 indexes, fewer than a first batch holds.
            let reply = try read(["listIndexes": .string(namespace.collection)], database: namespace.database)
            guard case .document(let cursor) = reply["cursor"] else { return [] }
            return cursor.documents("firstBatch")
        } catch {
            guard error.serverError == .namespaceNotFound else { throw error }
            return []
        }
    }

    /// Removes an index.
    package func dropIndex(_ name: String, of namespace: Namespace) throws(MongoError) {
        _ = try write(
            ["dropIndexes": .string(namespace.collection), "index": .string(name)], database: namespace.database)
    }
}
