/// Decodes an enum from an event: presents `{name: payload}` though only the payload is there, as the root document.
///
/// It holds one reference, so that an existential of it needs no allocation.
struct CaseDecoder: Decoder {
    let storage: DecodingStorage

    private var name: String { storage.caseName ?? "" }

    var codingPath: [any CodingKey] { [] }

    var userInfo: [CodingUserInfoKey: Any] { storage.userInfo }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let key = Key(stringValue: name) else { throw BSONError.unknownCase(name) }
        return KeyedDecodingContainer(CaseDecoding(storage: storage, key: key, payload: try storage.rootValue()))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw mismatch([Any].self) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    fileprivate func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: [], debugDescription: "The case \(name) of an enum is not a \(type)."))
    }
}

/// An enum with `String` raw values reads its case as one text.
extension CaseDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { false }

    func decode(_ type: String.Type) throws -> String {
        storage.isCaseReadAsText = true
        return name
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        if let text = try (type as? String.Type).map({ try decode($0) }) as? T { return text }
        guard !(type is any BSONReadable.Type) else { throw mismatch(type) }
        return try T(from: self)
    }
}

/// The document that has the case's name as its only key.
private struct CaseDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let storage: DecodingStorage
    let key: Key
    let payload: EncodedValue

    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] { [key] }

    func contains(_ other: Key) -> Bool { other.stringValue == key.stringValue }

    func decodeNil(forKey other: Key) throws -> Bool {
        try require(other)
        return false
    }

    func decode<T: Decodable>(_ type: T.Type, forKey other: Key) throws -> T {
        try require(other)
        return try storage.decode(type, from: try storage.delegate(payload, type))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy: NestedKey.Type, forKey other: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try require(other)
        return KeyedDecodingContainer(try KeyedDecoding<NestedKey>(storage, payload, isFlat: true))
    }

    func nestedUnkeyedContainer(forKey other: Key) throws -> any UnkeyedDecodingContainer {
        try require(other)
        return try UnkeyedDecoding(storage, payload)
    }

    func superDecoder() throws -> any Decoder { try superDecoder(named: BSONKey.superKey) }

    func superDecoder(forKey other: Key) throws -> any Decoder { try superDecoder(named: other) }

    private func superDecoder(named other: some CodingKey) throws -> any Decoder {
        try require(other)
        return ValueDecoder(storage: storage, value: payload)
    }

    private func require(_ other: some CodingKey) throws {
        guard other.stringValue == key.stringValue else {
            throw DecodingError.keyNotFound(other, .init(codingPath: [], debugDescription: "The case is \(key.stringValue)."))
        }
    }
}

extension BSONError {
    static func unknownCase(_ name: String) -> BSONError { BSONError(.unknownCase, "There is no case named \"\(name)\".") }
}
