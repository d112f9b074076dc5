internal import Foundation

/// Reads a value of any type.
extension DecodingStorage {
    func decode<T: Decodable>(_ type: T.Type, from value: EncodedValue) throws -> T {
        if isPlain(type) { return try T(from: ValueDecoder(storage: self, value: value)) }
        // Compare with the most frequent types first, because the check for a conformance is expensive.
        if isSame(type, Date.self) { return same(try read(Date.self, from: value)) }
        if isSame(type, UUID.self) { return same(try read(UUID.self, from: value)) }
        if isSame(type, Data.self) { return same(try read(Data.self, from: value)) }
        if isSame(type, Decimal.self) { return same(try read(Decimal.self, from: value)) }
        if isSame(type, URL.self) { return same(try read(URL.self, from: value)) }
        return try decodeUnknown(type, from: value)
    }

    /// In a function of its own, never inlined, because the cast needs metadata that would otherwise be looked up for
    /// every type.
    @inline(never)
    private func decodeUnknown<T: Decodable>(_ type: T.Type, from value: EncodedValue) throws -> T {
        guard let readable = type as? any BSONReadable.Type else {
            notePlain(type)
            return try T(from: ValueDecoder(storage: self, value: value))
        }
        guard let result = try read(readable, from: value) as? T else {
            throw failure(BSONError(.typeMismatch, "Expected \(T.self)."), T.self, at: value)
        }
        return result
    }

    /// `value` as `T`, where the compiler does not know that the two types are the same.
    @inline(__always)
    private func same<V, T>(_ value: V) -> T {
        // V and T are the same type: each call follows a comparison of the two.
        unsafeBitCast(value, to: T.self)
    }
}
