extension BSONEncoder {
    /// Encodes a case of an enum as an event: its name, and its payload as a document.
    ///
    /// The shape is that of the `Codable` conformance Swift synthesizes, `{"renewed": {"expiresAt": ...}}`, taken apart. The
    /// name is the case's coding key. The payload is `{}` without associated values. Exactly one unlabelled, non-optional
    /// value that encodes as a document without a key `_0` is stored flat: that document is the payload. Everything else is
    /// as synthesized, unlabelled values under `_0`, `_1`, and so on.
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
                    "\(T.self) does not encode as the case of an enum does by synthesized code: one key, one nested container."
                throw storage.invalid(value, [], nil, BSONError(.typeMismatch, message))
            }
            return found
        }
    }

    private static func taken<T>(apart storage: EncodingStorage, _: T.Type) throws -> (name: String, payload: BSONDocument)? {
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

    /// The document that is the only field of the document `bytes`; nil when that has another key, or there are other fields.
    private static func onlyDocument(named name: String, in bytes: UnsafeRawBufferPointer) -> BorrowedDocument? {
        var name = name
        // Length, type byte, key, NUL; behind the payload the document's own NUL.
        let start = 4 + 1 + name.utf8.count + 1
        guard bytes.count > start, bytes[4] == BSONType.document.rawValue, bytes[start - 1] == 0,
            name.withUTF8({ haveSameBytes(UnsafeRawBufferPointer($0), UnsafeRawBufferPointer(rebasing: bytes[5..<start - 1])) })
        else { return nil }
        // It is the only one if its length says that it ends where the document does.
        return try? BorrowedDocument(validatingLengthOf: UnsafeRawBufferPointer(rebasing: bytes[start..<bytes.count - 1]))
    }

    /// The document that is the only field `_0` of `payload`, if it has no such field itself; else `payload`.
    private static func flattened(_ payload: BorrowedDocument) throws -> BorrowedDocument {
        var elements = payload.makeElements()
        guard let element = try elements.next(), element.hasKey(EncodingStorage.unlabelledKey), element.type == .document,
            try elements.next() == nil
        else { return payload }
        let inner = try element.document()
        return try inner.first(EncodingStorage.unlabelledKey) == nil ? inner : payload
    }
}
