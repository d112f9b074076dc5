#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Where one element lies inside a buffer: offsets only, so that it can be kept while the bytes are borrowed again.
struct ElementLocation {
    var type: BSONType
    /// The offset of the key's first byte; the type byte is just before it.
    var key: Int
    /// The offset of the NUL that ends the key.
    var keyEnd: Int
    /// One past the last byte of the value.
    var end: Int

    /// The offset of the value's first byte.
    var value: Int { keyEnd + 1 }
    /// The offset of the type byte.
    var header: Int { key - 1 }

    /// Finds the extent of the element at `offset`, and reads nothing at or beyond `limit`.
    ///
    /// The value has the number of bytes that its type requires; their content is checked when it is read.
    ///
    /// - Precondition: `0 <= offset < limit <= buffer.count`.
    /// - Throws: ``BSONError/Code/corrupt``.
    @inline(__always)
    init(in buffer: UnsafeRawBufferPointer, at offset: Int, limit: Int) throws(BSONError) {
        guard let base = buffer.baseAddress else { throw .truncated }
        guard let type = BSONType(rawValue: base.load(fromByteOffset: offset, as: UInt8.self)) else {
            throw BSONError(.corrupt, "The type byte is unknown.")
        }
        let key = offset + 1
        guard let keyEnd = Self.terminator(base, from: key, limit: limit) else { throw .truncated }
        let value = keyEnd + 1
        let available = limit - value
        let length: Int
        switch type {
        case .double, .datetime, .timestamp, .int64: length = 8
        case .int32: length = 4
        case .bool: length = 1
        case .objectID: length = 12
        case .decimal128: length = 16
        case .null, .undefined, .minKey, .maxKey: length = 0
        case .string, .javascript, .symbol:
            length = try 4 + Self.prefix(base, at: value, available: available, minimum: 1)
        case .document, .array:
            length = try Self.prefix(base, at: value, available: available, minimum: 5)
        case .binary:
            length = try 5 + Self.prefix(base, at: value, available: available, minimum: 0)
        case .dbPointer:
            length = try 16 + Self.prefix(base, at: value, available: available, minimum: 1)
        case .javascriptWithScope:
            length = try Self.prefix(base, at: value, available: available, minimum: 14)
        case .regex:
            guard let pattern = Self.terminator(base, from: value, limit: limit),
                let options = Self.terminator(base, from: pattern + 1, limit: limit)
            else { throw .truncated }
            length = options + 1 - value
        }
        guard length <= available else { throw .truncated }
        self.type = type
        self.key = key
        self.keyEnd = keyEnd
        end = value + length
    }

    @inline(__always)
    private static func prefix(_ base: UnsafeRawPointer, at offset: Int, available: Int, minimum: Int) throws(BSONError)
        -> Int
    {
        guard available >= 4 else { throw .truncated }
        let length = Int(Int32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        guard length >= minimum else { throw BSONError(.corrupt, "A length is smaller than its type allows.") }
        return length
    }

    /// The offset of the next NUL. Nearly all keys are short, so the first two words are searched inline before
    /// `memchr` is called.
    @inline(__always)
    private static func terminator(_ base: UnsafeRawPointer, from offset: Int, limit: Int) -> Int? {
        var offset = offset
        for _ in 0..<2 {
            guard offset + 8 <= limit else { break }
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            // The lowest high bit that remains marks the first byte that is 0.
            let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            if zeros != 0 { return offset + zeros.trailingZeroBitCount >> 3 }
            offset += 8
        }
        guard offset < limit, let found = memchr(base + offset, 0, limit - offset) else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
