import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("BSON values")
struct ValueBytesTests {
    static let objectID = BSONObjectID("56e1fc72e0c917e9c4714161")

    /// Expected elements, written by hand after bsonspec.org: type, key "a", value.
    static var goldens: [(BSONValue, String)] {
        get throws {
            [
                (.double(1.5), "01 6100 000000000000F83F"),
                (.string("hé"), "02 6100 04000000 68C3A9 00"),
                (.string("a\0b"), "02 6100 04000000 610062 00"),
                (.document(["b": .int32(1)]), "03 6100 0C000000 10 6200 01000000 00"),
                (.array([.int32(1), .bool(true)]), "04 6100 10000000 10 3000 01000000 08 3100 01 00"),
                (.binary(BSONBinary(bytes: [1, 2])), "05 6100 02000000 00 0102"),
                (.binary(BSONBinary(subtype: .outdatedGeneric, bytes: [7])), "05 6100 05000000 02 01000000 07"),
                (.undefined, "06 6100"),
                (.objectID(try #require(objectID)), "07 6100 56E1FC72E0C917E9C4714161"),
                (.bool(false), "08 6100 00"),
                (.datetime(BSONDate(milliseconds: -1)), "09 6100 FFFFFFFFFFFFFFFF"),
                (.null, "0A 6100"),
                (.regex(try BSONRegex(pattern: "a*", options: "xi")), "0B 6100 612A00 697800"),
                (
                    .dbPointer(BSONDBPointer(namespace: "b", id: try #require(objectID))),
                    "0C 6100 02000000 6200 56E1FC72E0C917E9C4714161"
                ),
                (.javascript("f"), "0D 6100 02000000 6600"),
                (.symbol("s"), "0E 6100 02000000 7300"),
                (
                    .javascriptWithScope(BSONJavaScriptWithScope(code: "f", scope: [:])),
                    "0F 6100 0F000000 02000000 6600 0500000000"
                ),
                (.int32(-2), "10 6100 FEFFFFFF"),
                (.timestamp(BSONTimestamp(seconds: 1, increment: 42)), "11 6100 2A000000 01000000"),
                (.int64(4_294_967_296), "12 6100 0000000001000000"),
                (.decimal128(try #require(BSONDecimal128("0.1"))), "13 6100 01000000000000000000000000003E30"),
                (.minKey, "FF 6100"),
                (.maxKey, "7F 6100"),
            ]
        }
    }

    @Test("each type has the bytes of the specification, is read back, and is valid to libbson")
    func goldens() throws {
        let goldens = try Self.goldens
        #expect(Set(goldens.map(\.0.type)) == Set(BSONType.allCases))
        for (value, element) in goldens {
            let document: BSONDocument = ["a": value]
            let body = hex(element)
            #expect(document.bytes == [UInt8(body.count + 5), 0, 0, 0] + body + [0], "\(value.type)")
            #expect(document["a"] == value)
            #expect(document.isValidToLibbson, "\(value.type)")
            #expect(try BSONDocument(validating: document.bytes) == document)
            #expect(try BSONEncoder().encode(["a": value]) == document)
            #expect(try BSONDecoder().decode([String: BSONValue].self, from: document) == ["a": value])
        }
    }

    @Test("values are equal exactly when their bytes are")
    func equality() {
        #expect(BSONValue.string("\u{E9}") != .string("e\u{301}"))
        #expect(BSONValue.double(.nan) == .double(.nan))
        #expect(BSONValue.double(0) != .double(-0.0))
        #expect(BSONValue.int32(1) != .int64(1))
        #expect(Set<BSONValue>([.string("\u{E9}"), .string("e\u{301}"), 1, 1.0, nil, nil]).count == 5)
    }

    @Test("literals become the documented types")
    func literals() {
        let value: BSONValue = ["a": [1, 2.5, "x", true, nil], "b": [:]]
        let expected = BSONDocument(
            dictionaryLiteral: (
                "a", .array([.int64(1), .double(2.5), .string("x"), .bool(true), .null])
            ), ("b", .document(BSONDocument())))
        #expect(value == .document(expected))
    }

    @Test(
        "a date is rounded to the nearest millisecond",
        arguments: [
            (0.0004, 0), (0.0006, 1), (-0.0004, 0), (-0.0006, -1), (1_700_000_000.1234, 1_700_000_000_123),
            (-1.9999, -2000),
        ])
    func dateRounding(seconds: Double, milliseconds: Int64) throws {
        #expect(try BSONDate(Date(timeIntervalSince1970: seconds)).milliseconds == milliseconds)
    }

    @Test("a date of whole milliseconds survives any number of round trips")
    func dateStability() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<2000 {
            let date = BSONDate(
                milliseconds: Int64.random(in: -62_135_596_800_000...253_402_300_799_999, using: &generator))
            #expect(try BSONDate(date.date) == date)
        }
    }

    @Test("a date that is not finite or too far is refused", arguments: [Double.infinity, -.infinity, .nan, 1e300])
    func dateRange(seconds: Double) {
        let error = #expect(throws: BSONError.self) { try BSONDate(Date(timeIntervalSince1970: seconds)) }
        #expect(error?.code == .notRepresentable)
    }

    @Test("an object id is 24 hexadecimal digits and nothing else")
    func objectIDs() {
        #expect(Self.objectID?.description == "56e1fc72e0c917e9c4714161")
        #expect(BSONObjectID("56E1FC72E0C917E9C4714161") == Self.objectID)
        #expect(BSONObjectID("56e1fc72e0c917e9c471416") == nil)
        #expect(BSONObjectID("56e1fc72e0c917e9c471416g") == nil)
        #expect(BSONObjectID(bytes: [1]) == nil)
    }

    @Test("a regular expression with NUL is refused")
    func regexWithNUL() {
        #expect(throws: BSONError.self) { try BSONRegex(pattern: "a\0b") }
        #expect(throws: BSONError.self) { try BSONRegex(pattern: "a", options: "\0") }
    }
}
