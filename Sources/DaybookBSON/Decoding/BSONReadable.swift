internal import Foundation

/// A type that is read from a BSON value directly, without a decoder.
protocol BSONReadable {
    /// - Throws: ``BSONError/Code/typeMismatch``, ``BSONError/Code/notRepresentable`` or ``BSONError/Code/corrupt``.
    static func read(_ value: BorrowedValue) throws(BSONError) -> Self
}

/// An integer, read from any number that it can hold exactly.
protocol ReadableInteger: BSONReadable, FixedWidthInteger {}

extension ReadableInteger {
    @inline(__always)
    static func read(_ value: BorrowedValue) throws(BSONError) -> Self {
        switch value.type {
        case .int64:
            if let result = Self(exactly: value.load(Int64.self)) { return result }
        case .int32:
            if let result = Self(exactly: value.load(Int32.self)) { return result }
        case .double:
            if let result = Self(exactly: try value.double()) { return result }
        case .decimal128:
            if let result: Self = try value.decimal128().integer() { return result }
        default: throw value.mismatch("a number")
        }
        throw BSONError(.notRepresentable, "The number is not exactly representable as \(Self.self).")
    }
}

extension Int: ReadableInteger {}
extension Int8: ReadableInteger {}
extension Int16: ReadableInteger {}
extension Int32: ReadableInteger {}
extension Int64: ReadableInteger {}
extension UInt: ReadableInteger {}
extension UInt8: ReadableInteger {}
extension UInt16: ReadableInteger {}
extension UInt32: ReadableInteger {}
extension UInt64: ReadableInteger {}

/// A floating-point number, read from any number that it can hold exactly.
protocol ReadableFloat: BSONReadable, BinaryFloatingPoint {}

extension ReadableFloat {
    @inline(__always)
    static func read(_ value: BorrowedValue) throws(BSONError) -> Self {
        switch value.type {
        case .double:
            if let result = Self(exactlyOrNaN: try value.double()) { return result }
        case .int64:
            if let result = Self(exactly: value.load(Int64.self)) { return result }
        case .int32:
            if let result = Self(exactly: value.load(Int32.self)) { return result }
        case .decimal128:
            if let double = try value.decimal128().double, let result = Self(exactlyOrNaN: double) { return result }
        default: throw value.mismatch("a number")
        }
        throw BSONError(.notRepresentable, "The number is not exactly representable as \(Self.self).")
    }

    /// `init(exactly:)` refuses every NaN, although every format can hold one.
    private init?(exactlyOrNaN double: Double) {
        if double.isNaN { self = Self(double) } else { self.init(exactly: double) }
    }
}

extension Double: ReadableFloat {}
extension Float: ReadableFloat {}

extension Bool: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> Bool { try value.bool() }
}

extension String: BSONReadable {
    @inline(__always)
    static func read(_ value: BorrowedValue) throws(BSONError) -> String { try value.string() }
}

extension Date: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> Date { try value.date().date }
}

extension UUID: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> UUID { try value.uuid() }
}

extension Data: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> Data {
        let (subtype, content) = try value.binary()
        guard subtype == .generic else { throw value.mismatch("binData of subtype 0") }
        return Data(content)
    }
}

extension URL: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> URL {
        guard let url = URL(string: try value.string()) else {
            throw BSONError(.notRepresentable, "The string is not a URL.")
        }
        return url
    }
}

extension Decimal: BSONReadable {
    static func read(_ value: BorrowedValue) throws(BSONError) -> Decimal {
        switch value.type {
        case .decimal128:
            guard let decimal = try value.decimal128().decimal else {
                throw BSONError(.notRepresentable, "The number is not exactly representable as Decimal.")
            }
            return decimal
        // A binary fraction is rarely exactly the intended decimal, so only whole numbers are converted.
        case .int64, .int32, .double: return Decimal(try Int64.read(value))
        default: throw value.mismatch("a number")
        }
    }
}
