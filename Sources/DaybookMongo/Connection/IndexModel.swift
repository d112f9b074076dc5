package import DaybookBSON

/// The definition of an index: https://www.mongodb.com/docs/manual/reference/command/createIndexes/
package struct IndexModel: Sendable {
    package var name: String
    /// In order; 1 for ascending, -1 for descending.
    package var keys: [(path: String, direction: Int32)]
    package var isUnique = false
    /// If set, the index has only the documents that match.
    package var partialFilter: BSONDocument?
    /// If set, the server deletes a document this long after the date in the only key.
    package var expiresAfter: Duration?

    package init(
        name: String, keys: [(path: String, direction: Int32)], isUnique: Bool = false,
        partialFilter: BSONDocument? = nil,
        expiresAfter: Duration? = nil
    ) {
        self.name = name
        self.keys = keys
        self.isUnique = isUnique
        self.partialFilter = partialFilter
        self.expiresAfter = expiresAfter
    }

    /// The document for `createIndexes`.
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

// MARK: - Comparison with what a server describes

extension IndexModel {
    /// Whether an index, as the server describes it, works the same: over these keys, in this order, and with the same
    /// options. Its name does not matter.
    package func isSatisfied(by description: BSONDocument) -> Bool {
        guard hasSameKeys(as: description), let wanted = try? document() else { return false }
        return Self.options(of: wanted).isSameDefinition(as: Self.options(of: description))
    }

    /// Whether an index, as the server describes it, is over these keys, in this order. Servers and shells use
    /// different numeric types for a direction.
    package func hasSameKeys(as description: BSONDocument) -> Bool {
        guard case .document(let key) = description["key"] else { return false }
        let found = key.fields
        guard found.count == keys.count else { return false }
        return zip(found, keys).allSatisfy { found, wanted in
            found.key == wanted.path && found.value.number == Double(wanted.direction)
        }
    }

    /// The options that make an index behave differently from another one over the same keys.
    ///
    /// Ignored are what servers add (`v`, `ns`), what has no effect (`background` since MongoDB 4.2), what an operator
    /// may switch while the index keeps working (`hidden`, `prepareUnique`), and every option that states a default.
    private static func options(of description: BSONDocument) -> BSONDocument {
        let neutral: Set<String> = ["v", "ns", "key", "name", "background", "hidden", "prepareUnique", "storageEngine"]
        var options = BSONDocument()
        for (key, value) in description.fields where !neutral.contains(key) {
            switch key {
            case "unique", "sparse":
                guard value != .bool(false), value.number != 0 else { continue }
                try? options.append(key, true)
            case "collation":
                if case .document(let collation) = value, collation["locale"] == "simple" { continue }
                try? options.append(key, value)
            default:
                try? options.append(key, value)
            }
        }
        return options
    }
}
