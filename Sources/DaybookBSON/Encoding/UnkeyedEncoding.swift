/// An array being encoded.
struct UnkeyedEncoding: UnkeyedEncodingContainer {
    private let handle: EncodingHandle

    private var storage: EncodingStorage { handle.storage }

    init(beginningIn handle: EncodingHandle) {
        handle.storage.begin(.array, in: handle)
        self.handle = handle
    }

    var codingPath: [any CodingKey] { storage.path(handle) }

    var count: Int { storage.node(handle).map { storage.nodes[$0].count } ?? 0 }

    func encodeNil() throws { try storage.append(BSONValue.null, to: handle) }
    func encode(_ value: Bool) throws { try storage.append(value, to: handle) }
    func encode(_ value: String) throws { try storage.append(value, to: handle) }
    func encode(_ value: Double) throws { try storage.append(value, to: handle) }
    func encode(_ value: Float) throws { try storage.append(value, to: handle) }
    func encode(_ value: Int) throws { try storage.append(value, to: handle) }
    func encode(_ value: Int8) throws { try storage.append(value, to: handle) }
    func encode(_ value: Int16) throws { try storage.append(value, to: handle) }
    func encode(_ value: Int32) throws { try storage.append(value, to: handle) }
    func encode(_ value: Int64) throws { try storage.append(value, to: handle) }
    func encode(_ value: UInt) throws { try storage.append(value, to: handle) }
    func encode(_ value: UInt8) throws { try storage.append(value, to: handle) }
    func encode(_ value: UInt16) throws { try storage.append(value, to: handle) }
    func encode(_ value: UInt32) throws { try storage.append(value, to: handle) }
    func encode(_ value: UInt64) throws { try storage.append(value, to: handle) }
    func encode<T: Encodable>(_ value: T) throws { try storage.append(encoding: value, to: handle) }

    func nestedContainer<NestedKey: CodingKey>(keyedBy: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        nested().container(keyedBy: NestedKey.self)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { UnkeyedEncoding(beginningIn: nested()) }

    func superEncoder() -> any Encoder { ValueEncoder(handle: nested()) }

    private func nested() -> EncodingHandle {
        storage.beginNested(in: handle) { index throws(BSONError) in try storage.pushNext(in: index) }
    }
}
