public import Foundation

extension BSONDecimal128 {
    /// `decimal`, exactly, in the one form that all equal decimals share.
    ///
    /// - Throws: ``BSONError/Code/notRepresentable`` when it has more than 34 significant digits.
    public init(_ decimal: Decimal) throws(BSONError) {
        if decimal.isNaN {
            self = .nan
            return
        }
        // Decimal's parts are not public API on every platform; its description is: digits with at most one point.
        var number = Finite(isNegative: false, coefficient: 0, exponent: 0)
        var isAfterPoint = false
        var isExact = true
        for byte in decimal.description.utf8 {
            switch byte {
            case UInt8(ascii: "-"): number.isNegative = true
            case UInt8(ascii: "."): isAfterPoint = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (shifted, overflow) = number.coefficient.multipliedReportingOverflow(by: 10)
                if overflow {
                    // A Decimal has 38 digits and a power of ten. After those digits come zeros, or digits that
                    // decimal128 cannot hold.
                    isExact = isExact && byte == UInt8(ascii: "0")
                    number.exponent += isAfterPoint ? 0 : 1
                } else {
                    number.coefficient = shifted + UInt128(byte - UInt8(ascii: "0"))
                    number.exponent -= isAfterPoint ? 1 : 0
                }
            default: isExact = false
            }
        }
        guard isExact, let result = BSONDecimal128(number) else {
            throw BSONError(.notRepresentable, "The decimal has more than the 34 digits of a decimal128.")
        }
        self = result
    }

    /// The same number; nil for infinities and for numbers outside `Decimal`'s range.
    public var decimal: Decimal? {
        if isNaN { return .nan }
        guard let finite, let normal = BSONDecimal128(finite)?.finite, (-128...127).contains(normal.exponent) else {
            return nil
        }
        let text = "\(normal.isNegative ? "-" : "")\(normal.coefficient)E\(normal.exponent)"
        guard let decimal = Decimal(string: text), let back = try? BSONDecimal128(decimal),
            back == BSONDecimal128(normal)
        else {
            return nil
        }
        return decimal
    }

    /// The number as an integer, if it is one and fits.
    package func integer<I: FixedWidthInteger>() -> I? {
        guard let finite, let normal = BSONDecimal128(finite)?.finite, normal.exponent == 0 else { return nil }
        guard let magnitude = Int128(exactly: normal.coefficient) else { return nil }
        return I(exactly: normal.isNegative ? -magnitude : magnitude)
    }

    /// The number as a double, if one has exactly this value.
    package var double: Double? {
        if isNaN { return .nan }
        guard let finite else { return high >> 63 == 1 ? -Double.infinity : .infinity }
        guard var normal = BSONDecimal128(finite)?.finite, normal.exponent <= 0 else { return nil }
        // c / 10^k is a binary fraction only if 5^k divides c; what remains is c' / 2^k.
        let halvings = -normal.exponent
        for _ in 0..<halvings {
            guard normal.coefficient % 5 == 0 else { return nil }
            normal.coefficient /= 5
        }
        guard let numerator = Double(exactly: normal.coefficient) else { return nil }
        let value = Double(sign: .plus, exponent: -halvings, significand: numerator)
        return normal.isNegative ? -value : value
    }
}
