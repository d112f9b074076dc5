/// Where a value lies in a decoder's root document. It consists of offsets, so keeping it too long is harmless.
struct EncodedValue {
    let type: BSONType
    /// How many values enclose it.
    let depth: UInt8
    private let startOffset: Int32
    private let endOffset: Int32

    /// The offset of the first byte.
    var start: Int { Int(startOffset) }
    /// One past the last byte.
    var end: Int { Int(endOffset) }

    init(_ type: BSONType, depth: UInt8, start: Int, end: Int) {
        self.type = type
        self.depth = depth
        // A document's length is an Int32, so offsets in it are too.
        startOffset = Int32(truncatingIfNeeded: start)
        endOffset = Int32(truncatingIfNeeded: end)
    }

    /// The value of `element`, one level below `container`.
    ///
    /// - Throws: ``BSONError/Code/tooDeep``.
    @inline(__always)
    init(_ element: ElementLocation, in container: EncodedValue) throws(BSONError) {
        self.init(element.type, depth: try container.nextDepth(), start: element.value, end: element.end)
    }

    @inline(__always)
    func nextDepth() throws(BSONError) -> UInt8 {
        guard Int(depth) + 1 < BSONDocument.maximumDepth else { throw .nestedTooDeep }
        return depth + 1
    }

    var isNull: Bool { type == .null || type == .undefined }

    /// A null in place of a missing value, for a super decoder of an absent field.
    func missing() throws(BSONError) -> EncodedValue {
        EncodedValue(.null, depth: try nextDepth(), start: end, end: end)
    }
}
