/// The decoder that a value decodes itself from: a place in the root document.
struct ValueDecoder: Decoder {
    let storage: DecodingStorage
    let value: EncodedValue

    var codingPath: [any CodingKey] { storage.path(to: value) }

    var userInfo: [CodingUserInfoKey: Any] { storage.userInfo }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try storage.container(keyedBy: Key.self, value)
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try UnkeyedDecoding(storage, value) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }
}

extension ValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try storage.read(type, from: value) }
    func decode(_ type: String.Type) throws -> String { try storage.read(type, from: value) }
    func decode(_ type: Double.Type) throws -> Double { try storage.read(type, from: value) }
    func decode(_ type: Float.Type) throws -> Float { try storage.read(type, from: value) }
    func decode(_ type: Int.Type) throws -> Int { try storage.read(type, from: value) }
    func decode(_ type: Int8.Type) throws -> Int8 { try storage.read(type, from: value) }
    func decode(_ type: Int16.Type) throws -> Int16 { try storage.read(type, from: value) }
    func decode(_ type: Int32.Type) throws -> Int32 { try storage.read(type, from: value) }
    func decode(_ type: Int64.Type) throws -> Int64 { try storage.read(type, from: value) }
    func decode(_ type: UInt.Type) throws -> UInt { try storage.read(type, from: value) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try storage.read(type, from: value) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try storage.read(type, from: value) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try storage.read(type, from: value) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try storage.read(type, from: value) }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        // Delegation adds no level of BSON, but it adds one to the call stack.
        try storage.decode(type, from: try storage.delegate(value, type))
    }
}
