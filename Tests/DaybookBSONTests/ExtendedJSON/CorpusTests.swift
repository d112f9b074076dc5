import DaybookBSON
import Foundation
import Testing

/// Cases in the form of the BSON corpus (MongoDB specifications, `source/bson-corpus/bson-corpus.md`), at least one for
/// each type, made after bsonspec.org and `source/extended-json`. Each names one field `a`.
@Suite("BSON corpus")
struct CorpusTests {
    struct Valid: Sendable {
        var description: String
        /// The element: type, key, value.
        var canonicalBSON: String
        /// The value; likewise the other texts.
        var canonicalJSON: String
        /// Nil when it is the canonical one.
        var relaxedJSON: String?
        /// Other bytes that mean the same.
        var degenerateBSON: String?
        /// Other texts that mean the same.
        var degenerateJSON: [String] = []
        /// True when JSON cannot say all that the bytes do.
        var isLossy = false
    }

    static let valid: [Valid] = [
        Valid(
            description: "double", canonicalBSON: "01 6100 000000000000F83F",
            canonicalJSON: #"{"$numberDouble": "1.5"}"#,
            relaxedJSON: "1.5",
            degenerateJSON: [#"{"$numberDouble": "15e-1"}"#, #"{"$numberDouble": "+1.50"}"#]),
        Valid(
            description: "double, negative zero", canonicalBSON: "01 6100 0000000000000080",
            canonicalJSON: #"{"$numberDouble": "-0.0"}"#, relaxedJSON: "-0.0"),
        Valid(
            description: "double, infinite", canonicalBSON: "01 6100 000000000000F0FF",
            canonicalJSON: #"{"$numberDouble": "-Infinity"}"#),
        Valid(
            description: "double, no number", canonicalBSON: "01 6100 000000000000F87F",
            canonicalJSON: #"{"$numberDouble": "NaN"}"#),
        Valid(
            description: "double, no number, with payload", canonicalBSON: "01 6100 120000000000F87F",
            canonicalJSON: #"{"$numberDouble": "NaN"}"#, isLossy: true),
        Valid(description: "string, empty", canonicalBSON: "02 6100 01000000 00", canonicalJSON: #""""#),
        Valid(
            description: "string of one to four bytes a character",
            canonicalBSON: "02 6100 0B000000 61C3A9E282ACF09F9880 00",
            canonicalJSON: #""aé€😀""#,
            degenerateJSON: [#""\u0061\u00E9\u20ac\uD83D\uDE00""#]),
        Valid(
            description: "string with NUL and what must be escaped", canonicalBSON: "02 6100 07000000 00225C0A2F1F 00",
            canonicalJSON: #""\u0000\"\\\n/\u001f""#,
            degenerateJSON: [#""\u0000\u0022\u005C\u000a\/\u001F""#]),
        Valid(
            description: "document", canonicalBSON: "03 6100 0C000000 10 6200 01000000 00",
            canonicalJSON: #"{"b": {"$numberInt": "1"}}"#, relaxedJSON: #"{"b": 1}"#),
        Valid(
            description: "document with empty and dotted keys", canonicalBSON: "03 6100 0C000000 0A 00 0A 622E6300 00",
            canonicalJSON: #"{"": null, "b.c": null}"#),
        Valid(
            description: "document like a DBRef",
            canonicalBSON: "03 6100 1E000000 02 2472656600 02000000 6300 12 24696400 0100000000000000 00",
            canonicalJSON: #"{"$ref": "c", "$id": {"$numberLong": "1"}}"#, relaxedJSON: #"{"$ref": "c", "$id": 1}"#),
        Valid(
            description: "array", canonicalBSON: "04 6100 10000000 10 3000 01000000 08 3100 01 00",
            canonicalJSON: #"[{"$numberInt": "1"}, true]"#, relaxedJSON: "[1, true]",
            degenerateBSON: "04 6100 10000000 10 00 01000000 08 787900 01 00"),
        Valid(
            description: "binary", canonicalBSON: "05 6100 02000000 00 FFFF",
            canonicalJSON: #"{"$binary": {"base64": "//8=", "subType": "00"}}"#,
            degenerateJSON: [
                #"{"$binary": {"subType": "0", "base64": "//8="}}"#, #"{"$binary": "//8=", "$type": "00"}"#,
                #"{"$type": "0", "$binary": "//8="}"#,
            ]),
        Valid(
            description: "binary, function", canonicalBSON: "05 6100 00000000 01",
            canonicalJSON: #"{"$binary": {"base64": "", "subType": "01"}}"#),
        Valid(
            description: "binary, outdated", canonicalBSON: "05 6100 06000000 02 02000000 FFFF",
            canonicalJSON: #"{"$binary": {"base64": "//8=", "subType": "02"}}"#),
        Valid(
            description: "binary, outdated UUID", canonicalBSON: "05 6100 10000000 03 000102030405060708090A0B0C0D0E0F",
            canonicalJSON: #"{"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "03"}}"#),
        Valid(
            description: "binary, UUID", canonicalBSON: "05 6100 10000000 04 000102030405060708090A0B0C0D0E0F",
            canonicalJSON: #"{"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "04"}}"#,
            degenerateJSON: [
                #"{"$uuid": "00010203-0405-0607-0809-0a0b0c0d0e0f"}"#,
                #"{"$uuid": "00010203-0405-0607-0809-0A0B0C0D0E0F"}"#,
            ]),
        Valid(
            description: "binary, user defined", canonicalBSON: "05 6100 01000000 80 00",
            canonicalJSON: #"{"$binary": {"base64": "AA==", "subType": "80"}}"#),
        Valid(description: "undefined", canonicalBSON: "06 6100", canonicalJSON: #"{"$undefined": true}"#),
        Valid(
            description: "object id", canonicalBSON: "07 6100 56E1FC72E0C917E9C4714161",
            canonicalJSON: #"{"$oid": "56e1fc72e0c917e9c4714161"}"#,
            degenerateJSON: [#"{"$oid": "56E1FC72E0C917E9C4714161"}"#]),
        Valid(description: "true", canonicalBSON: "08 6100 01", canonicalJSON: "true"),
        Valid(description: "false", canonicalBSON: "08 6100 00", canonicalJSON: "false"),
        Valid(
            description: "date", canonicalBSON: "09 6100 C5D8D6CC3B010000",
            canonicalJSON: #"{"$date": {"$numberLong": "1356351330501"}}"#,
            relaxedJSON: #"{"$date": "2012-12-24T12:15:30.501Z"}"#,
            degenerateJSON: [
                #"{"$date": "2012-12-24T13:15:30.501+01:00"}"#, #"{"$date": "2012-12-24T12:15:30.501+0000"}"#,
            ]),
        Valid(
            description: "date before 1970", canonicalBSON: "09 6100 FFFFFFFFFFFFFFFF",
            canonicalJSON: #"{"$date": {"$numberLong": "-1"}}"#,
            degenerateJSON: [#"{"$date": "1969-12-31T23:59:59.999Z"}"#]),
        Valid(
            description: "date in year 10000", canonicalBSON: "09 6100 00DC1FD277E60000",
            canonicalJSON: #"{"$date": {"$numberLong": "253402300800000"}}"#),
        Valid(description: "null", canonicalBSON: "0A 6100", canonicalJSON: "null"),
        Valid(
            description: "regular expression", canonicalBSON: "0B 6100 612F5C22 00 696D78 00",
            canonicalJSON: #"{"$regularExpression": {"pattern": "a/\\\"", "options": "imx"}}"#,
            degenerateBSON: "0B 6100 612F5C22 00 6D6978 00",
            degenerateJSON: [
                #"{"$regularExpression": {"options": "xmi", "pattern": "a/\\\""}}"#,
                #"{"$regex": "a/\\\"", "$options": "imx"}"#,
            ]),
        Valid(
            description: "DBPointer", canonicalBSON: "0C 6100 03000000 C3A900 56E1FC72E0C917E9C4714161",
            canonicalJSON: #"{"$dbPointer": {"$ref": "é", "$id": {"$oid": "56e1fc72e0c917e9c4714161"}}}"#,
            degenerateJSON: [#"{"$dbPointer": {"$id": {"$oid": "56e1fc72e0c917e9c4714161"}, "$ref": "é"}}"#]),
        Valid(
            description: "code", canonicalBSON: "0D 6100 04000000 660067 00", canonicalJSON: #"{"$code": "f\u0000g"}"#),
        Valid(description: "symbol", canonicalBSON: "0E 6100 02000000 73 00", canonicalJSON: #"{"$symbol": "s"}"#),
        Valid(
            description: "code with scope",
            canonicalBSON: "0F 6100 16000000 02000000 6600 0C000000 10 7800 01000000 00",
            canonicalJSON: #"{"$code": "f", "$scope": {"x": {"$numberInt": "1"}}}"#,
            relaxedJSON: #"{"$code": "f", "$scope": {"x": 1}}"#,
            degenerateJSON: [#"{"$scope": {"x": 1}, "$code": "f"}"#]),
        Valid(
            description: "int32, least", canonicalBSON: "10 6100 00000080",
            canonicalJSON: #"{"$numberInt": "-2147483648"}"#,
            relaxedJSON: "-2147483648"),
        Valid(
            description: "timestamp, greatest", canonicalBSON: "11 6100 FEFFFFFFFFFFFFFF",
            canonicalJSON: #"{"$timestamp": {"t": 4294967295, "i": 4294967294}}"#,
            degenerateJSON: [#"{"$timestamp": {"i": 4294967294, "t": {"$numberLong": "4294967295"}}}"#]),
        Valid(
            description: "int64, greatest", canonicalBSON: "12 6100 FFFFFFFFFFFFFF7F",
            canonicalJSON: #"{"$numberLong": "9223372036854775807"}"#, relaxedJSON: "9223372036854775807"),
        Valid(
            description: "decimal128", canonicalBSON: "13 6100 01000000000000000000000000003E30",
            canonicalJSON: #"{"$numberDecimal": "0.1"}"#, degenerateJSON: [#"{"$numberDecimal": "1e-1"}"#]),
        Valid(
            description: "decimal128, infinite", canonicalBSON: "13 6100 00000000000000000000000000000078",
            canonicalJSON: #"{"$numberDecimal": "Infinity"}"#, degenerateJSON: [#"{"$numberDecimal": "inf"}"#]),
        Valid(
            description: "decimal128, no number with payload",
            canonicalBSON: "13 6100 1200000000000000000000000000007E",
            canonicalJSON: #"{"$numberDecimal": "NaN"}"#, isLossy: true),
        Valid(description: "least key", canonicalBSON: "FF 6100", canonicalJSON: #"{"$minKey": 1}"#),
        Valid(description: "greatest key", canonicalBSON: "7F 6100", canonicalJSON: #"{"$maxKey": 1}"#),
    ]

    private func document(_ element: String) -> [UInt8] {
        let body = hex(element)
        let length = UInt32(body.count + 5)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + body + [0]
    }

    /// The text without blanks, except those inside strings, of which these cases have none.
    private func compact(_ text: String) -> String { text.filter { $0 != " " } }

    @Test("each type is represented")
    func complete() throws {
        let types = Set(Self.valid.map { BSONType(rawValue: hex($0.canonicalBSON)[0]) })
        #expect(types == Set(BSONType.allCases))
    }

    @Test("a valid case is the same in each of its forms", arguments: valid.indices)
    func forms(index: Int) throws {
        let entry = Self.valid[index]
        let bytes = document(entry.canonicalBSON)
        let canonical = "{\"a\": \(entry.canonicalJSON)}"
        let relaxed = entry.relaxedJSON.map { "{\"a\": \($0)}" } ?? canonical
        let decoded = try BSONDocument(validating: bytes)
        #expect(decoded.isValidToLibbson)
        let value = try #require(decoded["a"])
        #expect(BSONDocument(dictionaryLiteral: ("a", value)).bytes == bytes)
        #expect(try compact(decoded.extendedJSON(.canonical)) == compact(canonical))
        #expect(try compact(decoded.extendedJSON(.relaxed)) == compact(relaxed))
        let parsed = try BSONDocument(extendedJSON: canonical)
        #expect(try compact(parsed.extendedJSON(.canonical)) == compact(canonical))
        if !entry.isLossy { #expect(parsed.bytes == bytes) }
        #expect(try compact(BSONDocument(extendedJSON: relaxed).extendedJSON(.relaxed)) == compact(relaxed))
        if let degenerate = entry.degenerateBSON {
            let document = try BSONDocument(validating: document(degenerate))
            #expect(try compact(document.extendedJSON(.canonical)) == compact(canonical))
            let value = try #require(document["a"])
            // Options out of order are kept: what is read is what is written.
            if value.type != .regex { #expect(BSONDocument(dictionaryLiteral: ("a", value)).bytes == bytes) }
        }
        for text in entry.degenerateJSON {
            let document = try BSONDocument(extendedJSON: "{\"a\": \(text)}")
            #expect(document.bytes == bytes, "\(text)")
        }
    }

    static let decodeErrors: [(String, String)] = [
        ("double cut short", "01 6100 0000F03F"),
        ("string with length -1", "02 6100 FFFFFFFF 00"),
        ("string with length 0", "02 6100 00000000 00"),
        ("string with length 2^31 - 1", "02 6100 FFFFFF7F 6100"),
        ("string with length 2^31 - 5", "02 6100 FBFFFF7F 6100"),
        ("string with length -2^31", "02 6100 00000080 6100"),
        ("string longer than its document", "02 6100 04000000 6100"),
        ("string without NUL", "02 6100 02000000 6161"),
        ("string with a byte that begins nothing", "02 6100 02000000 E900"),
        ("string with an overlong slash", "02 6100 03000000 C0AF00"),
        ("string with an overlong NUL", "02 6100 03000000 C08000"),
        ("string with a surrogate", "02 6100 04000000 EDA08000"),
        ("string beyond U+10FFFF", "02 6100 05000000 F490808000"),
        ("string that ends inside a character", "02 6100 03000000 E28200"),
        ("document longer than its parent", "03 6100 18000000 0A 6200 00"),
        ("document shorter than itself", "03 6100 05000000 0A 6200 00"),
        ("document with length 4", "03 6100 04000000 00"),
        ("document with length -1", "03 6100 FFFFFFFF 00"),
        ("document with length 2^31 - 1", "03 6100 FFFFFF7F 00"),
        ("document that ends in 1", "03 6100 05000000 01"),
        ("document that ends with its parent", "03 6100 06000000 00"),
        ("array longer than its parent", "04 6100 0D000000 10 3000 0A0000"),
        ("array with a field cut short", "04 6100 0B000000 10 3000 0A0000 00"),
        ("binary with length -1", "05 6100 FFFFFFFF 00"),
        ("binary with length 2^31 - 1", "05 6100 FFFFFF7F 00"),
        ("binary longer than its document", "05 6100 FF000000 05 FFFF"),
        ("outdated binary, inner length too long", "05 6100 06000000 02 03000000 FFFF"),
        ("outdated binary, inner length too short", "05 6100 06000000 02 01000000 FFFF"),
        ("outdated binary, inner length -1", "05 6100 06000000 02 FFFFFFFF FFFF"),
        ("object id cut short", "07 6100 56E1FC72E0C917E9C47141"),
        ("bool of 2", "08 6100 02"),
        ("bool of 255", "08 6100 FF"),
        ("bool missing", "08 6100"),
        ("date cut short", "09 6100 12CE5332"),
        ("regular expression with one text", "0B 6100 6100"),
        ("regular expression with bad UTF-8", "0B 6100 E900 00"),
        ("DBPointer with length 0", "0C 6100 00000000 6200 56E1FC72E0C917E9C4714161"),
        ("DBPointer with length 2^31 - 1", "0C 6100 FFFFFF7F 6200 56E1FC72E0C917E9C4714161"),
        ("DBPointer without NUL", "0C 6100 02000000 6262 56E1FC72E0C917E9C4714161"),
        ("DBPointer with bad UTF-8", "0C 6100 02000000 E900 56E1FC72E0C917E9C4714161"),
        ("DBPointer with a short id", "0C 6100 02000000 6200 56E1FC72E0C917E9C47141"),
        ("code without NUL", "0D 6100 02000000 6161"),
        ("symbol with length 0", "0E 6100 00000000 00"),
        ("code with scope, length too short", "0F 6100 0E000000 02000000 6600 0500000000"),
        ("code with scope, length too long", "0F 6100 10000000 02000000 6600 0500000000"),
        ("code with scope, length 2^31 - 1", "0F 6100 FFFFFF7F 02000000 6600 0500000000"),
        ("code with scope, code too long for it", "0F 6100 0F000000 03000000 6600 0500000000"),
        ("code with scope, code of length -1", "0F 6100 0F000000 FFFFFFFF 6600 0500000000"),
        ("code with scope, code of length 2^31 - 1", "0F 6100 0F000000 FFFFFF7F 6600 0500000000"),
        ("code with scope, bad scope", "0F 6100 16000000 02000000 6600 0C000000 08 7800 02 000000 00"),
        ("int32 cut short", "10 6100 0500"),
        ("timestamp cut short", "11 6100 2A0000"),
        ("int64 cut short", "12 6100 0500000000"),
        ("decimal128 cut short", "13 6100 010000000000000000000000003E30"),
        ("unknown type 0x14", "14 6100"),
        ("unknown type 0x80", "80 6100"),
    ]

    @Test(
        "a malformed element is refused with its path, at any level and by every way to read it",
        arguments: decodeErrors.indices)
    func malformed(index: Int) throws {
        let (description, element) = Self.decodeErrors[index]
        let bytes = document(element)
        let error = #expect(throws: BSONError.self) { try BSONDocument(validating: bytes) }
        #expect(error?.code == .corrupt)
        #expect(error?.path.first == "a", "\(description)")
        // The same inside a document in an array.
        let nested = BSONDocument(dictionaryLiteral: ("x", .array([nil, .document(BSONDocument(unchecked: bytes))])))
        let inner = #expect(throws: BSONError.self) { try BSONDocument(validating: nested.bytes) }
        #expect(inner?.path.starts(with: ["x", "1", "a"]) == true)
        let unchecked = BSONDocument(unchecked: bytes)
        #expect(throws: BSONError.self) { try unchecked.extendedJSON(.canonical) }
        #expect(throws: DecodingError.self) { try BSONDecoder().decode([String: BSONValue].self, from: unchecked) }
        #expect(unchecked["a"] == nil)
    }
}
