public import Foundation

/// A type that needs more from the encoder than a call of its `encode(to:)`. One conformance check finds all of these
/// types.
package protocol KnownToEncoder {}

/// A value with a BSON form of its own, written without an encoder.
package protocol BSONWritable: KnownToEncoder {
    /// Appends the value's bytes, without type byte and key, and returns the type they have.
    ///
    /// - Throws: ``BSONError`` when BSON cannot hold the value. The caller must then remove what was appended.
    func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType
}

/// An integer that BSON holds as `int64`; wider values are refused.
protocol WritableAsInt64: BSONWritable, FixedWidthInteger {}

extension WritableAsInt64 {
    @inline(__always)
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        guard let value = Int64(exactly: self) else {
            throw BSONError(.notRepresentable, "The integer does not fit in 64 bits with sign.")
        }
        bytes.appendInteger(value)
        return .int64
    }
}

/// An integer that BSON holds as `int32`.
protocol WritableAsInt32: BSONWritable, FixedWidthInteger {}

extension WritableAsInt32 {
    @inline(__always)
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.appendInteger(Int32(truncatingIfNeeded: self))
        return .int32
    }
}

extension Int: WritableAsInt64 {}
extension Int64: WritableAsInt64 {}
extension UInt: WritableAsInt64 {}
extension UInt64: WritableAsInt64 {}
extension UInt32: WritableAsInt64 {}
extension Int32: WritableAsInt32 {}
extension Int16: WritableAsInt32 {}
extension Int8: WritableAsInt32 {}
extension UInt16: WritableAsInt32 {}
extension UInt8: WritableAsInt32 {}

extension Double: BSONWritable {
    @inline(__always)
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.appendInteger(bitPattern)
        return .double
    }
}

extension Float: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        try Double(self).appendBSON(to: &bytes)
    }
}

extension Bool: BSONWritable {
    @inline(__always)
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.append(self ? 1 : 0)
        return .bool
    }
}

extension String: BSONWritable {
    @inline(__always)
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        try bytes.appendString(self)
        return .string
    }
}

extension Date: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        try BSONDate(self).appendBSON(to: &bytes)
    }
}

extension UUID: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        bytes.appendInteger(Int32(16))
        bytes.append(BSONBinary.Subtype.uuid.rawValue)
        withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) }
        return .binary
    }
}

extension Data: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        guard count <= Int(Int32.max) else { throw .documentTooLarge }
        bytes.appendInteger(Int32(count))
        bytes.append(BSONBinary.Subtype.generic.rawValue)
        withUnsafeBytes { bytes.append(contentsOf: $0) }
        return .binary
    }
}

extension Decimal: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        try BSONDecimal128(self).appendBSON(to: &bytes)
    }
}

extension URL: BSONWritable {
    package func appendBSON(to bytes: inout ByteBuffer) throws(BSONError) -> BSONType {
        try absoluteString.appendBSON(to: &bytes)
    }
}
