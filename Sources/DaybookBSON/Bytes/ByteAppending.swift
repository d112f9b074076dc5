extension [UInt8] {
    /// Appends `value` in little-endian order.
    @inline(__always)
    mutating func appendInteger(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// Overwrites the four bytes at `offset` with `value` in little-endian order.
    @inline(__always)
    mutating func patchInteger(_ value: Int32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= count, "A length prefix lies inside the buffer.")
        withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Int32.self) }
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
            guard !utf8.contains(0) else { return false }
            append(contentsOf: utf8)
            append(0)
            return true
        }
    }

    /// Appends a BSON string value: length, bytes, NUL.
    @inline(__always)
    mutating func appendString(_ text: String) throws(BSONError) {
        var text = text
        let fits = text.withUTF8 { utf8 in
            guard let length = Int32(exactly: utf8.count + 1) else { return false }
            appendInteger(length)
            append(contentsOf: utf8)
            append(0)
            return true
        }
        if !fits { throw .documentTooLarge }
    }

    /// Appends a binary value: length, subtype, bytes, and the second length that subtype 2 has.
    mutating func appendBinary(_ subtype: BSONBinary.Subtype, _ content: UnsafeRawBufferPointer) throws(BSONError) {
        guard let length = Int32(exactly: content.count), length <= Int32.max - 4 else { throw .documentTooLarge }
        let isOutdated = subtype == .outdatedGeneric
        appendInteger(isOutdated ? length + 4 : length)
        append(subtype.rawValue)
        if isOutdated { appendInteger(length) }
        append(contentsOf: content)
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

    /// The bytes of a document without fields.
    static var emptyDocument: [UInt8] { [5, 0, 0, 0, 0] }
}

extension BSONError {
    static var documentTooLarge: BSONError { BSONError(.tooLarge, "The document would exceed 2 GiB.") }
    static var nestedTooDeep: BSONError { nestedTooDeep(BSONDocument.maximumDepth) }
    static func nestedTooDeep(_ levels: Int) -> BSONError {
        BSONError(.tooDeep, "Values are nested more than \(levels) levels deep.")
    }
    static func tooLarge(_ count: Int, maximum: Int) -> BSONError {
        BSONError(.tooLarge, "The document has \(count) bytes, more than the \(maximum) that are allowed.")
    }
}
