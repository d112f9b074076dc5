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
        let storage = EncodingStorage(userInfo: userInfo)
        storage.caseShape = CaseShape()
        _ = try run(value, storage)
        let isNested = storage.caseShape?.nestedContainers == 1
        let isOptional = storage.caseShape?.isPayloadOptional == true
        let found = try storage.bytes.withUnsafeBytes { bytes -> (String, BSONDocument)? in
            let root = BorrowedValue(type: storage.rootType, bytes: bytes)
            if root.type == .string, T.self is any RawRepresentable.Type { return (try root.string(), BSONDocument()) }
            guard isNested, root.type == .document else { return nil }
            var elements = try root.document().makeElements()
            guard let element = try elements.next(), element.type == .document, try elements.next() == nil else { return nil }
            let payload = try element.document()
            return (try element.keyString, BSONDocument(isOptional ? payload : try Self.flattened(payload)))
        }
        guard let found else {
            let message =
                "\(T.self) does not encode as the case of an enum does by synthesized code: one key, one nested container."
            throw storage.invalid(value, [], nil, BSONError(.typeMismatch, message))
        }
        return found
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
