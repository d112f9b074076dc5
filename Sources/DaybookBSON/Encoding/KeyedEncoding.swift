/// A document being encoded.
struct KeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    private let handle: EncodingHandle
    /// True for the fields of a dictionary, which are sorted; see ``DictionaryKeyProbe``.
    private let isDictionary: Bool

    private var storage: EncodingStorage { handle.storage }

    init(beginningIn handle: EncodingHandle) {
        isDictionary = handle.storage.probe == nil && ObjectIdentifier(Key.self) == DictionaryKeyProbe.dictionaryKey
        handle.storage.begin(.document, in: handle, isDictionary: isDictionary)
        self.handle = handle
    }

    var codingPath: [any CodingKey] { storage.path(handle) }

    @inline(__always)
    private func write(_ value: some BSONWritable, _ key: Key) throws {
        try storage.write(value, key, to: handle, isDictionary: isDictionary)
    }

    func encodeNil(forKey key: Key) throws { try write(BSONValue.null, key) }
    func encode(_ value: Bool, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: String, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Double, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Float, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Int, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Int8, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Int16, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Int32, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Int64, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: UInt, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: UInt8, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: UInt16, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: UInt32, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: UInt64, forKey key: Key) throws { try write(value, key) }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try storage.encode(value, key, to: handle, isDictionary: isDictionary)
    }

    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { if let value { try write(value, key) } }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { if let value { try write(value, key) } }

    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        guard let value else { return }
        storage.noteOptional(key, in: handle)
        // A decoder cannot tell a null from a missing field. So null is not written, and encoding what was decoded
        // results in equal bytes.
        if storage.isNull(value) { return }
        try encode(value, forKey: key)
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy: NestedKey.Type, forKey key: Key) -> KeyedEncodingContainer<
        NestedKey
    > {
        storage.noteNestedContainer(key, in: handle)
        return nested(key).container(keyedBy: NestedKey.self)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        UnkeyedEncoding(beginningIn: nested(key))
    }

    func superEncoder() -> any Encoder { ValueEncoder(handle: nested(BSONKey.superKey)) }

    func superEncoder(forKey key: Key) -> any Encoder { ValueEncoder(handle: nested(key)) }

    private func nested(_ key: some CodingKey) -> EncodingHandle {
        storage.beginNested(in: handle) { index throws(BSONError) in
            try storage.pushNested(key, in: index, isDictionary: isDictionary)
        }
    }
}

/// A value that may itself stand for nil, as the inner one of two optionals may.
protocol Nullable {
    var isNull: Bool { get }
}

extension Optional: Nullable {
    var isNull: Bool {
        switch self {
        case .none: true
        case .some(let value): (value as? any Nullable)?.isNull ?? false
        }
    }
}

extension BSONValue: Nullable {
    var isNull: Bool { self == .null }
}
