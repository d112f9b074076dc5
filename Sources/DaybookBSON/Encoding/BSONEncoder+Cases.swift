extension BSONEncoder {
    /// Encodes a case of an enum as an event: its name, and its payload as a document.
    ///
    /// The stored shape follows the `Codable` conformance that Swift synthesizes, `{"renewed": {"expiresAt": ...}}`.
    /// The name is the case's coding key. Without associated values the payload is `{}`. If there is exactly one
    /// associated value, and it is unlabelled, non-optional and encodes as a document without a key `_0`, it is stored
    /// flat: that document is the payload. Everything else is as synthesized, with unlabelled values under `_0`, `_1`,
    /// and so on.
    ///
    /// An enum with `String` raw values has the raw value as its name and an empty payload.
    ///
    /// - Throws: `EncodingError` when `T` encodes in another shape, or as ``encode(_:)``.
    package func encodeCase<T: Encodable>(_ value: T) throws -> (name: String, payload: BSONDocument) {
        try withStorage { storage in
            storage.caseShape = CaseShape()
            try storage.encodeRoot(value)
            guard let found = try Self.taken(apart: storage, T.self) else {
                let message =
                    "\(T.self) does not encode as the case of an enum does by synthesized code: one key, one nested "
                    + "container."
                throw storage.invalid(value, [], nil, BSONError(.typeMismatch, message))
            }
            return found
        }
    }

    private static func taken<T>(apart storage: EncodingStorage, _: T.Type) throws -> (
        name: String, payload: BSONDocument
    )? {
        guard let shape = storage.caseShape else { return nil }
        return try storage.bytes.withUnsafeBytes { bytes in
            if storage.rootType == .string, T.self is any RawRepresentable.Type {
                return (try BorrowedValue(type: .string, bytes: bytes).string(), BSONDocument())
            }
            guard storage.rootType == .document, shape.nestedContainers == 1, let name = shape.name,
                let payload = onlyDocument(named: name, in: bytes)
            else { return nil }
            return (name, BSONDocument(shape.isPayloadOptional ? payload : try flattened(payload)))
        }
    }

    /// The document that is the only field, named `name`, of the document `bytes`; nil when there is another key or
    /// another field.
    private static func onlyDocument(named name: String, in bytes: UnsafeRawBufferPointer) -> BorrowedDocument? {
        var name = name
        // Length, type byte, key, NUL. After the payload comes the outer document's own NUL.
        let start = 4 + 1 + name.utf8.count + 1
        guard bytes.count > start, bytes[4] == BSONType.document.rawValue, bytes[start - 1] == 0,
            name.withUTF8({
                haveSameBytes(UnsafeRawBufferPointer($0), UnsafeRawBufferPointer(rebasing: bytes[5..<start - 1]))
            })
        else { return nil }
        // It is the only field if its length ends where the outer document ends.
        return try? BorrowedDocument(
            validatingLengthOf: UnsafeRawBufferPointer(rebasing: bytes[start..<bytes.count - 1]))
    }

    /// The document that is the only field `_0` of `payload`, unless it has a field `_0` itself; otherwise `payload`.
    private static func flattened(_ payload: BorrowedDocument) throws -> BorrowedDocument {
        var elements = payload.makeElements()
        guard let element = try elements.next(), element.hasKey(EncodingStorage.unlabelledKey),
            element.type == .document,
            try elements.next() == nil
        else { return payload }
        let inner = try element.document()
        return try inner.first(EncodingStorage.unlabelledKey) == nil ? inner : payload
    }
}
