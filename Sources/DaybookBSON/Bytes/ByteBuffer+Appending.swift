#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension ByteBuffer {
    /// Appends `value` in little-endian order.
    @inline(__always)
    mutating func appendInteger<I: FixedWidthInteger & BitwiseCopyable>(_ value: I) {
        extend(by: MemoryLayout<I>.size).storeBytes(of: value.littleEndian, as: I.self)
    }

    /// Overwrites the four bytes at `offset` with `value` in little-endian order.
    @inline(__always)
    mutating func patchInteger(_ value: Int32, at offset: Int) {
        overwrite(value.littleEndian, at: offset)
    }

    /// The little-endian integer at `offset`.
    func integer(at offset: Int) -> Int32 {
        precondition(offset >= 0 && offset + 4 <= count, "A length prefix lies inside the buffer.")
        return withUnsafeBytes { Int32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int32.self)) }
    }

    /// Appends `text` and a NUL; appends nothing and returns false when `text` contains NUL.
    @inline(__always)
    mutating func appendCString(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { utf8 in
            guard !containsNUL(utf8) else { return false }
            let start = extend(by: utf8.count + 1)
            copy(utf8, to: start)
            start.storeBytes(of: 0, toByteOffset: utf8.count, as: UInt8.self)
            return true
        }
    }

    /// Appends an element's type byte, its key and a NUL; appends nothing and returns false when `key` is empty or
    /// contains NUL.
    @inline(__always)
    mutating func appendHeader(_ type: BSONType, _ key: String) -> Bool {
        var key = key
        return key.withUTF8 { utf8 in
            guard utf8.count > 0, !containsNUL(utf8) else { return false }
            let start = extend(by: utf8.count + 2)
            start.storeBytes(of: type.rawValue, as: UInt8.self)
            copy(utf8, to: start + 1)
            start.storeBytes(of: 0, toByteOffset: utf8.count + 1, as: UInt8.self)
            return true
        }
    }

    /// Appends a BSON string value: length, bytes, NUL.
    @inline(__always)
    mutating func appendString(_ text: String) throws(BSONError) {
        var text = text
        let fits = text.withUTF8 { utf8 in
            guard let length = Int32(exactly: utf8.count + 1) else { return false }
            let start = extend(by: utf8.count + 5)
            start.storeBytes(of: length.littleEndian, as: Int32.self)
            copy(utf8, to: start + 4)
            start.storeBytes(of: 0, toByteOffset: utf8.count + 4, as: UInt8.self)
            return true
        }
        if !fits { throw .documentTooLarge }
    }

    /// - Precondition: `utf8.count` bytes at `start` are to be initialized.
    @inline(__always)
    private func copy(_ utf8: UnsafeBufferPointer<UInt8>, to start: UnsafeMutableRawPointer) {
        if let source = utf8.baseAddress { start.copyMemory(from: source, byteCount: utf8.count) }
    }

    @inline(__always)
    private func containsNUL(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = utf8.baseAddress else { return false }
        return memchr(start, 0, utf8.count) != nil
    }

    /// Appends an array element's key: `index` in decimal, and a NUL.
    @inline(__always)
    mutating func appendIndexKey(_ index: Int) {
        if index < 10 {
            append(UInt8(truncatingIfNeeded: index) &+ 0x30)
        } else {
            var divisor = 10
            while index / divisor >= 10 { divisor *= 10 }
            while divisor > 0 {
                append(UInt8(truncatingIfNeeded: index / divisor % 10) &+ 0x30)
                divisor /= 10
            }
        }
        append(0)
    }

    /// Ends the document that starts at `start`: appends its NUL and back-patches its length.
    @inline(__always)
    mutating func endDocument(startingAt start: Int) throws(BSONError) {
        append(0)
        guard let length = Int32(exactly: count - start) else { throw .documentTooLarge }
        patchInteger(length, at: start)
    }

    /// The text from `offset` to the next NUL, or to the end.
    func cString(at offset: Int) -> String {
        withUnsafeBytes { String(decoding: $0[offset...].prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Appends a document without fields.
    mutating func appendEmptyDocument() {
        appendInteger(Int32(5))
        append(0)
    }
}
