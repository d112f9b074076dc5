internal import DaybookBSON

/// One event as a line of an export: its document as canonical extended JSON, which parses to the same bytes.
///
/// Where it would not (a NaN with a payload, a field of the event's own that looks like the spelling of a type, a text
/// that is not UTF-8: see ``DaybookBSON/BSONDocument/extendedJSON(_:)``), the line has the bytes themselves: `{ "$bson"
/// : { "$binary" : { "base64": "...", "subType" : "00" } } }`.
enum ExportLine {
    /// The only field of a line that has bytes.
    private static let bytesKey = "$bson"
    /// The size of the largest event in such a line, including what surrounds it.
    private static let maximumBytes = BSONDocument.maximumBytes + 64
    /// No document has a longer line; see ``DaybookBSON/BSONDocument/init(extendedJSON:maximumBytes:)``.
    static let maximumLength = 8 * maximumBytes

    /// The line, without its newline.
    ///
    /// - Returns: Also whether the line has bytes.
    static func text(of document: BSONDocument) throws -> (text: String, hasBytes: Bool) {
        if let text = try? document.extendedJSON(.canonical), (try? self.document(of: text)) == document {
            return (text, false)
        }
        let bytes: BSONDocument = [bytesKey: .binary(BSONBinary(bytes: document.bytes))]
        return (try bytes.extendedJSON(.canonical), true)
    }

    /// Parses a line.
    ///
    /// - Throws: ``DaybookBSON/BSONError``
    static func document(of text: String) throws(BSONError) -> BSONDocument {
        let document = try BSONDocument(extendedJSON: text, maximumBytes: maximumBytes)
        let bytes = document.withBorrowed { document -> [UInt8]? in
            var elements = document.makeElements()
            guard let element = try? elements.next(), element.hasKey(bytesKey), let binary = try? element.binary(),
                (try? elements.next()) == nil
            else { return nil }
            return Array(binary.bytes)
        }
        guard let bytes else { return document }
        return try BSONDocument(validating: bytes)
    }
}
