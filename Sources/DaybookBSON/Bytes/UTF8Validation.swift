/// True when `bytes` are well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF.
func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let end = bytes.count
    while index < end {
        // Keys and most strings are ASCII: eight bytes at a time.
        if end - index >= 8, bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
            index += 8
            continue
        }
        let lead = bytes[index]
        index += 1
        if lead < 0x80 { continue }
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return false
        }
        guard end - index >= length - 1, second.contains(bytes[index]) else { return false }
        for offset in 1..<(length - 1) where bytes[index + offset] & 0xC0 != 0x80 { return false }
        index += length - 1
    }
    return true
}

extension String {
    /// The text in `bytes`, whose last byte is a NUL that is not part of it; nil when there is none, or the text is not UTF-8.
    ///
    /// `init(validating:as:)` says the same, but is generic in the standard library, where the metadata it looks up costs several times what a
    /// short text does; this initializer from a C string is not.
    @inline(__always)
    init?(validatingTerminated bytes: UnsafeRawBufferPointer) {
        guard let last = bytes.last, last == 0, let base = bytes.baseAddress else { return nil }
        // The read ends at the first NUL, and the last byte is one.
        guard let text = String(validatingCString: base.assumingMemoryBound(to: CChar.self)) else {
            // What is valid up to a NUL inside may be invalid behind it, never the other way round.
            return nil
        }
        if text.utf8.count == bytes.count - 1 {
            self = text
        } else {
            // BSON's texts may contain NUL.
            self.init(validating: bytes.dropLast(), as: UTF8.self)
        }
    }
}
