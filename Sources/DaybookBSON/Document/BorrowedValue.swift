package import Foundation

/// Type and bytes of one value inside a ``BorrowedDocument``. Valid as long as the document.
///
/// The bytes have the extent that the type requires. The getters check their content, and throw ``BSONError`` as those
/// of ``BorrowedElement`` do.
package struct BorrowedValue {
    package let type: BSONType
    package let bytes: UnsafeRawBufferPointer

    /// - Precondition: `bytes` come from an ``ElementLocation`` of that type.
    @inline(__always)
    init(type: BSONType, bytes: UnsafeRawBufferPointer) {
        self.type = type
        self.bytes = bytes
    }

    /// ``ElementLocation`` has checked that a value of a fixed-size type has exactly as many bytes as `I`.
    @inline(__always)
    func load<I: FixedWidthInteger>(_: I.Type = I.self) -> I {
        precondition(bytes.count >= MemoryLayout<I>.size, "The extent of a value fits its type.")
        return I(littleEndian: bytes.loadUnaligned(as: I.self))
    }

    @inline(__always)
    func require(_ expected: BSONType) throws(BSONError) {
        guard type == expected else { throw mismatch("\(expected)") }
    }

    func mismatch(_ expected: String) -> BSONError {
        BSONError(.typeMismatch, "Expected \(expected), found \(type).")
    }

    @inline(__always)
    package func string() throws(BSONError) -> String {
        try require(.string)
        return try text()
    }

    /// The UTF-8 of a string, not validated, without length and NUL.
    @inline(__always)
    func stringBytes() throws(BSONError) -> UnsafeRawBufferPointer {
        try require(.string)
        return try textBytes()
    }

    package func int32() throws(BSONError) -> Int32 {
        try require(.int32)
        return load()
    }

    /// Accepts an `int32` too.
    package func int64() throws(BSONError) -> Int64 {
        switch type {
        case .int64: return load()
        case .int32: return Int64(load(Int32.self))
        default: throw mismatch("\(BSONType.int64)")
        }
    }

    package func double() throws(BSONError) -> Double {
        try require(.double)
        return Double(bitPattern: load())
    }

    package func bool() throws(BSONError) -> Bool {
        try require(.bool)
        switch load(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw BSONError(.corrupt, "A bool is neither 0 nor 1.")
        }
    }

    package func date() throws(BSONError) -> BSONDate {
        try require(.datetime)
        return BSONDate(milliseconds: load())
    }

    package func objectID() throws(BSONError) -> BSONObjectID {
        try require(.objectID)
        return BSONObjectID(reading: bytes)
    }

    package func timestamp() throws(BSONError) -> BSONTimestamp {
        try require(.timestamp)
        return BSONTimestamp(bits: load())
    }

    package func decimal128() throws(BSONError) -> BSONDecimal128 {
        try require(.decimal128)
        let bits: UInt128 = load()
        return BSONDecimal128(high: UInt64(truncatingIfNeeded: bits >> 64), low: UInt64(truncatingIfNeeded: bits))
    }

    package func binary() throws(BSONError) -> (subtype: BSONBinary.Subtype, bytes: UnsafeRawBufferPointer) {
        try require(.binary)
        let subtype = BSONBinary.Subtype(rawValue: bytes[4])
        let content = UnsafeRawBufferPointer(rebasing: bytes[5...])
        guard subtype == .outdatedGeneric else { return (subtype, content) }
        guard content.count >= 4, Int(Int32(littleEndian: content.loadUnaligned(as: Int32.self))) == content.count - 4
        else {
            throw BSONError(.corrupt, "The two lengths of an outdated binary differ.")
        }
        return (subtype, UnsafeRawBufferPointer(rebasing: content[4...]))
    }

    /// Binary of subtype 4 and 16 bytes.
    package func uuid() throws(BSONError) -> UUID {
        guard type == .binary, bytes[4] == BSONBinary.Subtype.uuid.rawValue else {
            throw mismatch("binData of subtype 4")
        }
        guard bytes.count == 21 else { throw BSONError(.corrupt, "A UUID does not have 16 bytes.") }
        return UUID(uuid: bytes.loadUnaligned(fromByteOffset: 5, as: uuid_t.self))
    }

    package func document() throws(BSONError) -> BorrowedDocument {
        try require(.document)
        return try BorrowedDocument(validatingLengthOf: bytes)
    }

    /// An array is a document whose keys are `"0"`, `"1"`, and so on.
    package func array() throws(BSONError) -> BorrowedDocument {
        try require(.array)
        return try BorrowedDocument(validatingLengthOf: bytes)
    }

    /// The text of a string, of JavaScript or of a symbol.
    @inline(__always)
    func text() throws(BSONError) -> String {
        guard let text = String(validatingTerminated: UnsafeRawBufferPointer(rebasing: bytes[4...])) else {
            // Find out which of the two errors it is.
            _ = try textBytes()
            throw .invalidUTF8
        }
        return text
    }

    /// The bytes of that text, without length and NUL.
    @inline(__always)
    func textBytes() throws(BSONError) -> UnsafeRawBufferPointer {
        guard bytes[bytes.count - 1] == 0 else { throw .unterminated }
        return UnsafeRawBufferPointer(rebasing: bytes[4..<bytes.count - 1])
    }

    func dbPointerParts() throws(BSONError) -> (namespace: UnsafeRawBufferPointer, id: BSONObjectID) {
        let terminator = bytes.count - 13
        guard bytes[terminator] == 0 else { throw .unterminated }
        return (
            UnsafeRawBufferPointer(rebasing: bytes[4..<terminator]),
            BSONObjectID(reading: UnsafeRawBufferPointer(rebasing: bytes[(terminator + 1)...]))
        )
    }

    func scopedParts() throws(BSONError) -> (code: UnsafeRawBufferPointer, scope: BorrowedDocument) {
        // Total length, string length, string, document: at least 14 bytes, as ElementLocation has checked.
        let length = Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int32.self)))
        guard length >= 1, length <= bytes.count - 13 else { throw .truncated }
        let end = 8 + length
        guard bytes[end - 1] == 0 else { throw .unterminated }
        return (
            UnsafeRawBufferPointer(rebasing: bytes[8..<end - 1]),
            try BorrowedDocument(validatingLengthOf: UnsafeRawBufferPointer(rebasing: bytes[end...]))
        )
    }
}
