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
    /// The text in `bytes`, whose last byte is a NUL that is not part of it. Nil when there is no NUL, or the text is
    /// not UTF-8.
    ///
    /// `init(validating:as:)` has the same result, but it is generic in the standard library: looking up its metadata
    /// costs several times as much as a short text.
    @inline(__always)
    init?(validatingTerminated bytes: UnsafeRawBufferPointer) {
        guard let last = bytes.last, last == 0 else { return nil }
        let text = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 1)])
        guard isASCII(text) || isValidUTF8(text) else { return nil }
        self.init(unsafeUninitializedCapacity: text.count) { buffer in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: text)
            return text.count
        }
    }
}

/// Whether no byte has its highest bit set. It checks eight bytes at a time; the last eight may overlap those before.
@inline(__always)
private func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let count = bytes.count
    guard count >= 8 else { return bytes.allSatisfy { $0 < 0x80 } }
    var seen = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
    var offset = 0
    while offset < count - 8 {
        seen |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset += 8
    }
    return seen & 0x8080_8080_8080_8080 == 0
}
