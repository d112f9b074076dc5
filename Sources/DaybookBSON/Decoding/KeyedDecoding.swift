/// A document being decoded.
///
/// `isFlat` marks the payload of an event's case: if `_0` is requested and absent, the payload itself is its value.
struct KeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let storage: DecodingStorage
    private let value: EncodedValue
    private let isFlat: Bool

    init(_ storage: DecodingStorage, _ value: EncodedValue, isFlat: Bool) throws {
        try storage.require(.document, [String: Any].self, value)
        self.storage = storage
        self.value = value
        self.isFlat = isFlat
    }

    var codingPath: [any CodingKey] { storage.path(to: value) }

    var allKeys: [Key] { storage.keys(of: value).compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool {
        do {
            return try find(key) != nil
        } catch {
            storage.remember(error)
            return false
        }
    }

    func decodeNil(forKey key: Key) throws -> Bool { try field(key, Never.self).isNull }

    /// The value under `key`; nil when there is none.
    @inline(__always)
    private func find(_ key: some CodingKey) throws -> EncodedValue? {
        var name = key.stringValue
        // withUTF8 cannot throw typed errors.
        var fault: BSONError?
        let found = name.withUTF8 { utf8 -> EncodedValue? in
            do throws(BSONError) {
                return try storage.find(UnsafeRawBufferPointer(utf8), in: value)
            } catch {
                fault = error
                return nil
            }
        }
        if let fault { throw storage.failure(fault, Never.self, at: value, key) }
        return found
    }

    @inline(__always)
    private func field(_ key: some CodingKey, _ type: Any.Type) throws -> EncodedValue {
        guard let field = try find(key) else { throw absent(key) }
        return field
    }

    private func absent(_ key: some CodingKey) -> DecodingError {
        .keyNotFound(key, .init(codingPath: codingPath, debugDescription: "No field \(key.stringValue)."))
    }

    /// The value under `key`; nil when there is none or it is null.
    @inline(__always)
    private func presentField(_ key: Key) throws -> EncodedValue? {
        guard let field = try find(key), !field.isNull else { return nil }
        return field
    }

    @inline(__always)
    private func read<V: BSONReadable>(_ type: V.Type, _ key: Key) throws -> V {
        try storage.read(type, from: try field(key, type))
    }

    @inline(__always)
    private func readIfPresent<V: BSONReadable>(_ type: V.Type, _ key: Key) throws -> V? {
        guard let field = try presentField(key) else { return nil }
        return try storage.read(type, from: field)
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try read(type, key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try read(type, key) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try read(type, key) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try read(type, key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try read(type, key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try read(type, key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try read(type, key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try read(type, key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try read(type, key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try read(type, key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try read(type, key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try read(type, key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try read(type, key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try read(type, key) }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        if let field = try find(key) { return try storage.decode(type, from: field) }
        guard isFlat, key.stringValue == EncodingStorage.unlabelledKey else { throw absent(key) }
        return try storage.decode(type, from: try storage.delegate(value, type))
    }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { try readIfPresent(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { try readIfPresent(type, key) }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let field = try presentField(key) else { return nil }
        return try storage.decode(type, from: field)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try storage.container(keyedBy: NestedKey.self, try field(key, [String: Any].self))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try UnkeyedDecoding(storage, try field(key, [Any].self))
    }

    func superDecoder() throws -> any Decoder { try superDecoder(named: BSONKey.superKey) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try superDecoder(named: key) }

    /// An absent field becomes a decoder of null, as in other decoders: a superclass without fields writes none.
    private func superDecoder(named key: some CodingKey) throws -> any Decoder {
        ValueDecoder(storage: storage, value: try find(key) ?? value.missing())
    }
}
