internal import CMongoC

extension BSONDocument {
    /// Parses extended JSON: canonical, relaxed, or the older forms `{"$binary": "...", "$type": "00"}` and `{"$regex":
    /// "...", "$options": "i"}`.
    ///
    /// ```swift
    /// let filter = try BSONDocument(extendedJSON: #"{"expiresAt": {"$lt": {"$date": "2030-01-01T00:00:00Z"}}}"#)
    /// ```
    ///
    /// An integer without a type becomes an `int32` if it fits, otherwise an `int64`; any other number becomes a
    /// `double`. Fields keep their order, and a key that occurs twice is kept twice. Operators of queries (`$gt`,
    /// `$type`, a `$regex` without `$options`) are ordinary fields. A document that begins like the spelling of a type
    /// and continues differently is refused, except at the root, which is always a document.
    ///
    /// - Parameters:
    ///   - text: at most eight times as long as `maximumBytes`, and at most 256 MiB.
    ///   - maximumBytes: the most bytes that the document may have.
    /// - Throws: ``BSONError/Code/invalidJSON`` with line, column and path; ``BSONError/Code/tooDeep`` beyond
    ///   ``maximumDepth``; ``BSONError/Code/tooLarge``.
    public init(extendedJSON text: String, maximumBytes: Int = BSONDocument.maximumBytes) throws(BSONError) {
        try self.init(extendedJSON: text, wrapping: 0, maximumBytes: maximumBytes)
    }

    /// - Parameter wrapping: how many bytes at the start are an object around the caller's value, and not the caller's
    ///   own.
    init(extendedJSON text: String, wrapping: Int, maximumBytes: Int) throws(BSONError) {
        // No valid document has a longer text, and what is read stays far below the 2 GiB that a length prefix can
        // state.
        let maximumText = 8 * min(maximumBytes, 2 * Self.maximumBytes)
        var text = text
        let bytes = text.withUTF8 { utf8 in
            Result { () throws(BSONError) in
                guard utf8.count <= maximumText else {
                    throw BSONError(
                        .tooLarge, "The text has \(utf8.count) bytes, more than the \(maximumText) that are allowed.")
                }
                var reader = ExtendedJSONReader(
                    UnsafeRawBufferPointer(utf8), wrapping: wrapping, maximumBytes: maximumBytes)
                return try reader.read()
            }
        }
        self.init(unchecked: try bytes.get())
    }

    /// The document as extended JSON, on one line, written by libbson.
    ///
    /// Parsing the canonical form results in the same bytes. The exceptions are a NaN's payload, regular expression
    /// options out of order, an array's wrong keys, decimals that are not in canonical form, and fields that look like
    /// the spelling of a type (`{"$oid": "..."}`).
    ///
    /// - Throws: ``BSONError/Code/corrupt`` or ``BSONError/Code/tooDeep`` when the bytes are not a document.
    public func extendedJSON(_ format: ExtendedJSONFormat) throws(BSONError) -> String {
        try DocumentValidation.validate(bytes, maximumDepth: Self.maximumDepth)
        let document = try ExtendedJSONSpelling(format: format).respelled(self)
        let text = document.bytes.withUnsafeBufferPointer { buffer -> String? in
            var size = 0
            guard let text = daybook_bson_to_json(buffer.baseAddress, buffer.count, format == .canonical, &size) else {
                return nil
            }
            defer { daybook_json_free(text) }
            return String(validating: UnsafeRawBufferPointer(start: text, count: size), as: UTF8.self)
        }
        guard let text else { throw BSONError(.corrupt, "libbson cannot write the document as extended JSON.") }
        return text
    }
}
