import DaybookBSON
import Foundation
import Testing

@Suite("decimal128")
struct DecimalTests {
    @Test(
        "texts of the specification are kept",
        arguments: [
            "0", "1", "-1", "0.1", "1.50", "1E+3", "-1.234E-20", "Infinity", "NaN",
            "9999999999999999999999999999999999", "9.999999999999999999999999999999999E+6144", "1E-6176",
        ])
    func texts(text: String) {
        #expect(BSONDecimal128(text)?.description == text)
    }

    @Test(
        "a text that is no number or needs rounding is refused",
        arguments: ["", "x", "1x", "1\0", "12345678901234567890123456789012345", "é"])
    func refused(text: String) {
        #expect(BSONDecimal128(text) == nil)
    }

    @Test(
        "a Decimal survives and has one form for equal values",
        arguments: [
            "0", "1", "-1", "0.1", "100", "1.50", "1000000000000000000000000000000000",
            "-0.000000000000000000000000000001",
            "1E+40", "1E-40", "1234567890.0987654321",
        ])
    func decimals(text: String) throws {
        let decimal = try #require(Decimal(string: text))
        let stored = try BSONDecimal128(decimal)
        #expect(stored.decimal == decimal)
        let scaled = decimal * 1000 / 1000
        #expect(try BSONDecimal128(scaled) == stored)
    }

    @Test("the ends of Decimal's range survive", arguments: ["1E+127", "1E-120", "-9E+127"])
    func extremes(text: String) throws {
        let decimal = try #require(Decimal(string: text))
        #expect(try BSONDecimal128(decimal).decimal == decimal)
        #expect(try BSONDecimal128(Decimal.nan).decimal?.isNaN == true)
    }

    @Test("more than 34 digits are refused, 34 are not")
    func digits() throws {
        let fits = try #require(Decimal(string: "1234567890123456789012345678901234"))
        #expect(try BSONDecimal128(fits).description == "1234567890123456789012345678901234")
        let tooLong = try #require(Decimal(string: "12345678901234567890123456789012345"))
        let error = #expect(throws: BSONError.self) { try BSONDecimal128(tooLong) }
        #expect(error?.code == .notRepresentable)
    }

    @Test("numbers read from a decimal are exact or refused")
    func conversions() throws {

        func read<T: Codable>(_ type: T.Type, _ text: String) throws -> T {
            let value = try #require(BSONDecimal128(text))
            return try #require(try BSONDecoder().decode([String: T].self, from: ["n": .decimal128(value)])["n"])
        }
        #expect(try read(Int.self, "12.00") == 12)
        #expect(try read(Int.self, "1E+3") == 1000)
        #expect(try read(Int64.self, "-9223372036854775808") == .min)
        #expect(try read(Double.self, "0.5") == 0.5)
        #expect(try read(Double.self, "-3.125") == -3.125)
        #expect(try read(Double.self, "-Infinity") == -.infinity)
        #expect(try read(Double.self, "NaN").isNaN)
        #expect(throws: DecodingError.self) { try read(Int.self, "1.5") }
        #expect(throws: DecodingError.self) { try read(Int8.self, "128") }
        #expect(throws: DecodingError.self) { try read(Int64.self, "9223372036854775808") }
        #expect(throws: DecodingError.self) { try read(Double.self, "0.1") }
    }
}
