package import DaybookBSON
package import DaybookMongo

/// A database as the driver sees it: what tests look at, and damage, behind the library's back.
package struct RawDatabase: Sendable {
    package let client: MongoClient
    package let name: String

    package init(client: MongoClient, name: String) {
        self.client = client
        self.name = name
    }

    package func documents(in collection: String, where filter: BSONDocument = [:]) async throws -> [BSONDocument] {
        let namespace = namespace(collection)
        return try await client.withConnection(.single) { try $0.documents(in: namespace, where: filter) }
    }

    package func document(in collection: String, id: String) async throws -> BSONDocument? {
        try await documents(in: collection, where: ["_id": .string(id)]).first
    }

    /// Everything that is there: the documents of every collection.
    package func contents() async throws -> [String: Set<BSONDocument>] {
        var contents: [String: Set<BSONDocument>] = [:]
        let name = name
        for collection in try await client.withConnection(.single, { try $0.collectionNames(matching: [:], in: name) })
        {
            contents[collection] = Set(try await documents(in: collection))
        }
        return contents
    }

    package func insert(_ documents: [BSONDocument], into collection: String) async throws {
        let namespace = namespace(collection)
        try await client.withConnection(.single) { try $0.insert(documents, into: namespace) }
    }

    /// Changes the one document that matches.
    ///
    /// - Throws: ``NoMatch`` when there is none: the damage was not done, and a test would prove nothing.
    package func update(_ selector: BSONDocument, with update: BSONDocument, in collection: String) async throws {
        let namespace = namespace(collection)
        let result = try await client.withConnection(.single) {
            try $0.updateOne(selector, with: update, in: namespace)
        }
        guard result.matched == 1 else { throw NoMatch() }
    }

    /// Replaces the document with the same `_id`, or inserts it.
    package func put(_ document: BSONDocument, into collection: String) async throws {
        let namespace = namespace(collection)
        let selector: BSONDocument = ["_id": document["_id"] ?? .null]
        _ = try await client.withConnection(.single) {
            try $0.replaceOne(selector, with: document, upsert: true, in: namespace)
        }
    }

    /// Deletes the one document that matches.
    ///
    /// - Throws: ``NoMatch``
    package func delete(_ selector: BSONDocument, from collection: String) async throws {
        let namespace = namespace(collection)
        guard try await client.withConnection(.single, { try $0.deleteOne(selector, in: namespace) }) == 1 else {
            throw NoMatch()
        }
    }

    package func read(_ command: BSONDocument, database: String? = nil) async throws -> BSONDocument {
        let name = database ?? name
        return try await client.withConnection(.single) { try $0.read(command, database: name) }
    }

    package func write(_ command: BSONDocument, database: String? = nil) async throws -> BSONDocument {
        let name = database ?? name
        return try await client.withConnection(.single) { try $0.write(command, database: name) }
    }

    package func namespace(_ collection: String) -> Namespace {
        Namespace(database: name, collection: collection)
    }

    package struct NoMatch: Error {
        package init() {}
    }
}

extension MongoConnection {
    package func documents(in namespace: Namespace, where filter: BSONDocument = [:]) throws -> [BSONDocument] {
        var found: [BSONDocument] = []
        try find(filter, in: namespace) { document in
            found.append(BSONDocument(document))
            return true
        }
        return found
    }
}

extension BSONDocument {
    /// The value at a dotted path of documents.
    package func value(at path: String) -> BSONValue? {
        guard let dot = path.firstIndex(of: ".") else { return self[path] }
        guard case .document(let inner) = self[String(path[..<dot])] else { return nil }
        return inner.value(at: String(path[path.index(after: dot)...]))
    }

    package func string(at path: String) -> String? {
        if case .string(let text) = value(at: path) { text } else { nil }
    }

    package func integer(at path: String) -> Int64? {
        switch value(at: path) {
        case .int32(let number): Int64(number)
        case .int64(let number): number
        default: nil
        }
    }

    package func documents(at path: String) -> [BSONDocument] {
        guard case .array(let values) = value(at: path) else { return [] }
        return values.compactMap { if case .document(let document) = $0 { document } else { nil } }
    }

    /// The same document with `value` under `key`, or without the key: changed in place, added at the end if it was not
    /// there.
    package func setting(_ key: String, to value: BSONValue?) throws -> BSONDocument {
        var changed = BSONDocument()
        var isDone = false
        try withBorrowed { document in
            var elements = document.makeElements()
            while let element = try elements.next() {
                if element.hasKey(key) {
                    isDone = true
                    if let value { try changed.append(key, value) }
                } else {
                    try changed.append(try element.keyString, try element.value())
                }
            }
        }
        if !isDone, let value { try changed.append(key, value) }
        return changed
    }
}
