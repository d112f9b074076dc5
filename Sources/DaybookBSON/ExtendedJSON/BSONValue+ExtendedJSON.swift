extension BSONValue {
    /// Parses extended JSON, as ``BSONDocument/init(extendedJSON:maximumBytes:)`` parses a field's value.
    ///
    /// - Throws: as that initializer.
    public init(extendedJSON text: String, maximumBytes: Int = BSONDocument.maximumBytes) throws(BSONError) {
        // Parse it as the only field of a document.
        let document: BSONDocument
        do throws(BSONError) {
            document = try BSONDocument(extendedJSON: "{\"\":\(text)}", wrapping: 4, maximumBytes: maximumBytes)
        } catch {
            throw BSONError(error.code, error.message, path: Array(error.path.dropFirst()))
        }
        let values = try document.values()
        guard values.count == 1, let value = values.first else {
            throw BSONError(.invalidJSON, "The text is more than one value.")
        }
        self = value
    }

    /// The value as extended JSON, on one line.
    ///
    /// - Throws: as ``BSONDocument/extendedJSON(_:)``, or when BSON cannot hold the value.
    public func extendedJSON(_ format: ExtendedJSONFormat) throws(BSONError) -> String {
        var document = BSONDocument()
        try document.append("", self)
        let text = try document.extendedJSON(format)
        guard text.hasPrefix("{ \"\" : "), text.hasSuffix(" }") else {
            throw BSONError(.corrupt, "libbson cannot write the value as extended JSON.")
        }
        return String(Substring(text.utf8.dropFirst(7).dropLast(2)))
    }
}

extension BSONDocument {
    /// Every value, in order, copied and checked.
    func values() throws(BSONError) -> [BSONValue] {
        let result = withBorrowed { document in
            Result { () throws(BSONError) -> [BSONValue] in
                var values: [BSONValue] = []
                var elements = document.makeElements()
                while let element = try elements.next() { values.append(try element.value()) }
                return values
            }
        }
        return try result.get()
    }
}
