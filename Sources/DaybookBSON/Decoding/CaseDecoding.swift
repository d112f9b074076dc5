/// The document that has the case's name as its only key.
struct CaseDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let storage: DecodingStorage
    private let payload: EncodedValue
    private let known: CaseKey<Key>

    init(_ storage: DecodingStorage, _ payload: EncodedValue, _ known: CaseKey<Key>) {
        self.storage = storage
        self.payload = payload
        self.known = known
    }

    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] { known.all }

    func contains(_ other: Key) -> Bool { other.stringValue == known.text }

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
        return try storage.container(keyedBy: NestedKey.self, payload, isFlat: true)
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
        guard other.stringValue == known.text else {
            throw DecodingError.keyNotFound(
                other, .init(codingPath: [], debugDescription: "The case is \(known.text)."))
        }
    }
}
