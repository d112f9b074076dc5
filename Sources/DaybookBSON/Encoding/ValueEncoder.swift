/// The encoder that a value encodes itself to: a node of the output.
struct ValueEncoder: Encoder {
    let handle: EncodingHandle

    var codingPath: [any CodingKey] { handle.storage.path(handle) }

    var userInfo: [CodingUserInfoKey: Any] { handle.storage.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if let probe = handle.storage.probe { probe.record(type) }
        return handle.container(keyedBy: type)
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedEncoding(beginningIn: handle)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension ValueEncoder: SingleValueEncodingContainer {
    func encodeNil() throws { try handle.storage.fill(BSONValue.null, in: handle) }
    func encode(_ value: Bool) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: String) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: Double) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: Float) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: Int) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: Int8) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: Int16) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: Int32) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: Int64) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: UInt) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: UInt8) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: UInt16) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: UInt32) throws { try handle.storage.fill(value, in: handle) }
    func encode(_ value: UInt64) throws { try handle.storage.fill(value, in: handle) }
    func encode<T: Encodable>(_ value: T) throws { try handle.storage.fill(encoding: value, in: handle) }
}
