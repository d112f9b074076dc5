extension ByteBuffer {
    /// Appends a binary value: length, subtype, bytes, and the second length that subtype 2 has.
    mutating func appendBinary(_ subtype: BSONBinary.Subtype, _ content: UnsafeRawBufferPointer) throws(BSONError) {
        guard let length = Int32(exactly: content.count), length <= Int32.max - 4 else { throw .documentTooLarge }
        let isOutdated = subtype == .outdatedGeneric
        appendInteger(isOutdated ? length + 4 : length)
        append(subtype.rawValue)
        if isOutdated { appendInteger(length) }
        append(contentsOf: content)
    }
}
