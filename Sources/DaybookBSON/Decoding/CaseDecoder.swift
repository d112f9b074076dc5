/// Decodes an enum from an event. It presents `{name: payload}`, although only the payload exists, as the root
/// document.
///
/// It holds one reference, so that an existential of it needs no allocation.
struct CaseDecoder: Decoder {
    let storage: DecodingStorage

    private var name: String { storage.caseName ?? "" }

    var codingPath: [any CodingKey] { [] }

    var userInfo: [CodingUserInfoKey: Any] { storage.userInfo }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try storage.container(keyedByCaseOf: keyedBy, named: name)
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw mismatch([Any].self) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    fileprivate func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: [], debugDescription: "The case \(name) of an enum is not a \(type)."))
    }
}

/// An enum with `String` raw values decodes its case from a single text.
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
