package import DaybookBSON

/// An index to be made: https://www.mongodb.com/docs/manual/reference/command/createIndexes/
package struct IndexModel: Sendable {
    package var name: String
    /// In order; 1 for ascending, -1 for descending.
    package var keys: [(path: String, direction: Int32)]
    package var isUnique = false
    /// Only documents that match are in the index.
    package var partialFilter: BSONDocument?
    /// Documents are deleted so long after the date in the one key.
    package var expiresAfter: Duration?

    package init(
        name: String, keys: [(path: String, direction: Int32)], isUnique: Bool = false, partialFilter: BSONDocument? = nil,
        expiresAfter: Duration? = nil
    ) {
        self.name = name
        self.keys = keys
        self.isUnique = isUnique
        self.partialFilter = partialFilter
        self.expiresAfter = expiresAfter
    }

    /// Whether an index as the server describes it has these keys, in this order, and is as unique. Servers and shells write a direction in
    /// every numeric type.
    package func isSatisfied(by description: BSONDocument) -> Bool {
        guard case .document(let key) = description["key"], (description["unique"] == .bool(true)) == isUnique else {
            return false
        }
        let found = key.withBorrowed { key in
            try? key.map { element -> (String, Double) in
                (try element.keyString, try (try? element.double()) ?? Double(element.int64()))
            }
        }
        guard let found, found.count == keys.count else { return false }
        return zip(found, keys).allSatisfy { $0.0 == $1.path && $0.1 == Double($1.direction) }
    }

    /// The document that the server takes.
    package func document() throws(BSONError) -> BSONDocument {
        var writer = BSONWriter()
        writer.write(name, forKey: "name")
        writer.beginDocument("key")
        for (path, direction) in keys { writer.write(direction, forKey: path) }
        writer.end()
        if isUnique { writer.write(true, forKey: "unique") }
        writer.writeIfPresent(partialFilter, forKey: "partialFilterExpression")
        writer.writeIfPresent(expiresAfter.map { Int64($0 / .seconds(1)) }, forKey: "expireAfterSeconds")
        return try writer.finish()
    }
}

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
            guard error.serverCode == 26 /* NamespaceNotFound */ else { throw error }
            return []
        }
    }

    /// Removes an index.
    package func dropIndex(_ name: String, of namespace: Namespace) throws(MongoError) {
        _ = try write(
            ["dropIndexes": .string(namespace.collection), "index": .string(name)], database: namespace.database)
    }
}
