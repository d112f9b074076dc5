/// An array that is being decoded. Its elements are read in order; their keys are ignored.
struct UnkeyedDecoding: UnkeyedDecodingContainer {
    private let storage: DecodingStorage
    private let value: EncodedValue
    private let total: Int
    private var offset: Int
    private(set) var currentIndex = 0

    init(_ storage: DecodingStorage, _ value: EncodedValue) throws {
        try storage.require(.array, [Any].self, value)
        self.storage = storage
        self.value = value
        offset = value.start + 4
        total = try storage.count(of: value)
    }

    var codingPath: [any CodingKey] { storage.path(to: value) }

    var count: Int? { total }

    var isAtEnd: Bool { currentIndex >= total }

    /// Passes the next element to `read`, and advances if that succeeds.
    @inline(__always)
    private mutating func next<R>(_ type: Any.Type, _ read: (EncodedValue) throws -> R) throws -> R {
        guard !isAtEnd else {
            let path = codingPath + [BSONKey(index: currentIndex)]
            throw DecodingError.valueNotFound(type, .init(codingPath: path, debugDescription: "The array has ended."))
        }
        let element = try storage.element(at: offset, of: value, index: currentIndex)
        let result = try read(element)
        offset = element.end
        currentIndex += 1
        return result
    }

    @inline(__always)
    private mutating func read<V: BSONReadable>(_ type: V.Type) throws -> V {
        let storage = storage
        return try next(type) { try storage.read(type, from: $0) }
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd else { return try next(Never.self) { _ in true } }
        let element = try storage.element(at: offset, of: value, index: currentIndex)
        guard element.isNull else { return false }
        offset = element.end
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try read(type) }
    mutating func decode(_ type: String.Type) throws -> String { try read(type) }
    mutating func decode(_ type: Double.Type) throws -> Double { try read(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try read(type) }
    mutating func decode(_ type: Int.Type) throws -> Int { try read(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try read(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try read(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try read(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try read(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try read(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try read(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try read(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try read(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try read(type) }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let storage = storage
        return try next(type) { try storage.decode(type, from: $0) }
    }

    mutating func nestedContainer<NestedKey: CodingKey>(keyedBy: NestedKey.Type) throws -> KeyedDecodingContainer<
        NestedKey
    > {
        let storage = storage
        return try next([String: Any].self) { try storage.container(keyedBy: NestedKey.self, $0) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let storage = storage
        return try next([Any].self) { try UnkeyedDecoding(storage, $0) }
    }

    mutating func superDecoder() throws -> any Decoder {
        let storage = storage
        return try next((any Decoder).self) { ValueDecoder(storage: storage, value: $0) }
    }
}
