/// A BSON document, owned: its fields, in order, as bytes.
///
/// Equality and hashing are of the bytes, so the order of fields matters, as it does to MongoDB.
///
/// ```swift
/// let filter: BSONDocument = ["state.status": "issued", "version": ["$gt": 3]]
/// ```
public struct BSONDocument: Sendable, Hashable {
    /// The most levels of documents and arrays that Daybook reads and writes. MongoDB's own limit is 100.
    public static let maximumDepth = 200

    /// The largest document that MongoDB stores, 16 MiB (its `maxBsonObjectSize`).
    public static let maximumBytes = 16 * 1024 * 1024

    /// The whole document as BSON: length, elements, NUL.
    public private(set) var bytes: [UInt8]

    /// The document without fields.
    public init() {
        bytes = [5, 0, 0, 0, 0]
    }

    /// Makes a document from `bytes`.
    ///
    /// Everything is checked: size, lengths, terminators, types, UTF-8 of keys and texts, nesting, and that nothing
    /// follows the document. An array may have any keys: they have no meaning, and copies of the array have the right
    /// ones.
    ///
    /// - Parameters:
    ///   - maximumBytes: the largest size that is accepted.
    ///   - maximumDepth: the deepest nesting that is accepted, the document itself being the first level; never more
    ///     than ``maximumDepth``.
    /// - Throws: ``BSONError`` with the path to the first fault: ``BSONError/Code/corrupt``, ``BSONError/Code/tooDeep``
    ///   or ``BSONError/Code/tooLarge``.
    public init(
        validating bytes: [UInt8], maximumBytes: Int = BSONDocument.maximumBytes,
        maximumDepth: Int = BSONDocument.maximumDepth
    ) throws(BSONError) {
        guard bytes.count <= maximumBytes else { throw .tooLarge(bytes.count, maximum: maximumBytes) }
        try DocumentValidation.validate(bytes, maximumDepth: min(maximumDepth, Self.maximumDepth))
        self.bytes = bytes
    }

    /// Trusts that `bytes` are a document. If they are not, reads throw or find nothing; they never leave the bytes.
    package init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Copies `document` as it is, unchecked.
    package init(_ document: BorrowedDocument) {
        bytes = Array(document.bytes)
    }

    /// The first value under `key`; nil when there is none.
    public subscript(key: String) -> BSONValue? {
        // Only a document that init(unchecked:) made from invalid bytes can fail here; then nothing is found.
        (try? withBorrowed { document in try document.first(key)?.value() }) ?? nil
    }

    /// Adds a field at the end. An earlier field with the same key stays, and is still the one that is found.
    ///
    /// - Throws: ``BSONError/Code/invalidKey`` when `key` contains NUL; ``BSONError/Code/tooLarge``. Nothing was
    ///   changed then.
    public mutating func append(_ key: String, _ value: BSONValue) throws(BSONError) {
        try append(key, writable: value)
    }

    /// Adds a field at the end, as ``append(_:_:)``.
    package mutating func append(_ key: String, writable value: some BSONWritable) throws(BSONError) {
        guard bytes.count >= 5 else { throw .truncated }
        var element = ByteBuffer()
        element.append(0)
        guard element.appendCString(key) else { throw .keyWithNUL }
        element[0] = try value.appendBSON(to: &element).rawValue
        guard let length = Int32(exactly: bytes.count + element.count) else { throw .documentTooLarge }
        bytes.removeLast()
        element.withUnsafeBytes { bytes.append(contentsOf: $0) }
        bytes.append(0)
        withUnsafeBytes(of: length.littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
    }

    /// Calls `body` with the document's bytes in place. They are valid only until it returns.
    @inlinable
    package func withBorrowed<R>(_ body: (BorrowedDocument) throws -> R) rethrows -> R {
        try bytes.withUnsafeBytes { try body(BorrowedDocument(trusting: $0)) }
    }

    /// A document with these fields in this order.
    ///
    /// - Precondition: no key contains NUL and the whole is smaller than 2 GiB.
    package init(literal elements: [(String, BSONValue)]) {
        var writer = BSONWriter(capacity: 128)
        for (key, value) in elements { writer.write(value, forKey: key) }
        do {
            self = try writer.finish()
        } catch {
            preconditionFailure("A document literal is not representable: \(error)")
        }
    }
}

extension BSONDocument: ExpressibleByDictionaryLiteral {
    /// A document with these fields in this order.
    ///
    /// - Precondition: no key contains NUL and the whole is smaller than 2 GiB. Where keys come from outside, use
    ///   ``append(_:_:)``.
    public init(dictionaryLiteral elements: (String, BSONValue)...) {
        self.init(literal: elements)
    }
}
