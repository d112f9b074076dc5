internal import CMongoC

/// A decimal floating-point number of 34 digits (IEEE 754-2008 decimal128, binary integer encoding).
///
/// Equality is of the stored bits: `1.0` and `1.00` differ, as their bytes do.
public struct BSONDecimal128: Sendable, Hashable {
    /// Sign, exponent and the upper digits.
    public let high: UInt64
    /// The lower digits.
    public let low: UInt64

    /// A decimal from the two halves of its IEEE 754 bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses `"1.5"`, `"-1E+3"`, `"Infinity"` or `"NaN"`; nil when `text` is not a number or needs rounding.
    public init?(_ text: String) {
        // libbson reads a C string: a NUL would hide what follows it.
        guard !text.utf8.contains(0), text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        guard daybook_decimal128_from_string(text, &high, &low) else { return nil }
        self.init(high: high, low: low)
    }
}

extension BSONDecimal128: CustomStringConvertible {
    /// The canonical text of the specification, such as `"1.50"` or `"1E+3"`.
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(DAYBOOK_DECIMAL128_STRING)) { text in
            guard let base = text.baseAddress else { return "" }
            daybook_decimal128_to_string(high, low, base)
            return String(cString: base)
        }
    }
}

extension BSONDecimal128 {
    /// What a finite number is made of: ±coefficient × 10^exponent.
    struct Finite {
        var isNegative: Bool
        var coefficient: UInt128
        var exponent: Int
    }

    static let maximumCoefficient: UInt128 = 9_999_999_999_999_999_999_999_999_999_999_999
    private static let exponentBias = 6176
    static let nan = BSONDecimal128(high: 0x7C00_0000_0000_0000, low: 0)

    var isNaN: Bool { high >> 58 & 0x1F == 0x1F }

    /// Nil for infinities and NaN.
    var finite: Finite? {
        // Combination bits 11 mark either a special value (1111x) or a coefficient above 34 digits, which is read as
        // zero.
        if high >> 61 & 3 == 3 {
            guard high >> 59 & 0xF != 0xF else { return nil }
            return Finite(
                isNegative: high >> 63 == 1, coefficient: 0, exponent: Int(high >> 47 & 0x3FFF) - Self.exponentBias)
        }
        let coefficient = UInt128(high & 0x1_FFFF_FFFF_FFFF) << 64 | UInt128(low)
        return Finite(
            isNegative: high >> 63 == 1,
            coefficient: coefficient > Self.maximumCoefficient ? 0 : coefficient,
            exponent: Int(high >> 49 & 0x3FFF) - Self.exponentBias
        )
    }

    /// The same number, in the form whose exponent is nearest to zero, so that equal numbers have equal bits. Nil when
    /// 34 digits or the range of exponents are not enough.
    init?(_ number: Finite) {
        var number = number
        if number.coefficient == 0 {
            number = Finite(isNegative: false, coefficient: 0, exponent: 0)
        }
        while number.exponent < 0 || number.coefficient > Self.maximumCoefficient, number.coefficient % 10 == 0,
            number.coefficient != 0
        {
            number.coefficient /= 10
            number.exponent += 1
        }
        while number.exponent > 0, number.coefficient <= Self.maximumCoefficient / 10 {
            number.coefficient *= 10
            number.exponent -= 1
        }
        guard number.coefficient <= Self.maximumCoefficient, (-6176...6111).contains(number.exponent) else {
            return nil
        }
        self.init(
            high: (number.isNegative ? 1 << 63 : 0)
                | UInt64(number.exponent + Self.exponentBias) << 49
                | UInt64(truncatingIfNeeded: number.coefficient >> 64),
            low: UInt64(truncatingIfNeeded: number.coefficient)
        )
    }
}
