import CMongoC
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("extended JSON")
struct ExtendedJSONTests {
    @Test("relaxed JSON is for people, canonical keeps the types")
    func formats() throws {
        let document: BSONDocument = [
            "i": .int32(1), "l": .int64(1 << 53 + 1), "d": 1.5, "s": "é\"\n\u{1}", "a": [true, nil],
            "at": .datetime(BSONDate(milliseconds: 1500)),
        ]
        #expect(
            try document.extendedJSON(.relaxed)
                == #"{ "i" : 1, "l" : 9007199254740993, "d" : 1.5, "s" : "é\"\n\u0001", "a" : [ true, null ], "at" : { "$date" : "1970-01-01T00:00:01.500Z" } }"#
        )
        #expect(
            try document.extendedJSON(.canonical)
                == #"{ "i" : { "$numberInt" : "1" }, "l" : { "$numberLong" : "9007199254740993" }, "d" : { "$numberDouble" : "1.5" }, "s" : "é\"\n\u0001", "a" : [ true, null ], "at" : { "$date" : { "$numberLong" : "1500" } } }"#
        )
        #expect(try BSONDocument(extendedJSON: document.extendedJSON(.canonical)) == document)
    }

    @Test("canonical JSON of random documents is read back as the same bytes")
    func roundTrip() throws {
        for seed in 0..<UInt64(testCases) {
            var random = RandomBSON(seed: seed, isJSONSafe: true)
            let document = try random.document()
            let text = try document.extendedJSON(.canonical)
            #expect(try BSONDocument(extendedJSON: text) == document, "seed \(seed)")
            // libbson reads $code and $dbPointer in an array wrongly, $code in a scope too, and ends some texts at
            // their NUL.
            if !["$code", "$dbPointer", "\\u0000"].contains(where: text.contains) {
                #expect(libbsonRead(text) == document, "seed \(seed) \(text)")
            }
            let relaxed = try document.extendedJSON(.relaxed)
            let back = try BSONDocument(extendedJSON: relaxed)
            #expect(try back.extendedJSON(.relaxed) == relaxed, "seed \(seed)")
        }
    }

    /// What libbson, which nobody here wrote, reads.
    private func libbsonRead(_ text: String) -> BSONDocument? {
        var size = 0
        guard let bytes = daybook_bson_from_json(text, text.utf8.count, &size) else { return nil }
        defer { daybook_json_free(bytes) }
        return BSONDocument(unchecked: Array(UnsafeBufferPointer(start: bytes, count: size)))
    }

    @Test("a value is written and read as a field would be")
    func values() throws {
        let values: [BSONValue] = [
            "text", .int32(5), 5, 1.5, nil, true, [1, ["a": nil]], ["a": [.minKey]],
            .objectID(try #require(ValueBytesTests.objectID)),
            .string(#"} " : {"#), .maxKey, "\u{301}", "",
        ]
        for value in values {
            let text = try value.extendedJSON(.canonical)
            #expect(try BSONValue(extendedJSON: text) == value, "\(text)")
        }
        #expect(try BSONValue.int32(7).extendedJSON(.relaxed) == "7")
        #expect(try BSONValue(extendedJSON: " 7 ") == .int32(7))
        #expect(
            try BSONValue(extendedJSON: #"{"$uuid": "00010203-0405-0607-0809-0a0b0c0d0e0f"}"#)
                == .binary(BSONBinary(BorrowedDocumentTests.uuid)))
        for text in ["", "1, \"x\": 2", "1}", "1},{", "x", "1 2", "}", "{", "//", "\"", "[1"] {
            let error = #expect(throws: BSONError.self, "\(text)") { try BSONValue(extendedJSON: text) }
            #expect(error?.code == .invalidJSON)
        }
        let error = #expect(throws: BSONError.self) { try BSONValue(extendedJSON: "{\"a\": [1,\n {\"$oid\": 3}]}") }
        #expect(error?.path == ["a", "1"])
        #expect(error?.message.contains("line 2, column 2") == true, "\(error?.message ?? "")")
    }

    @Test("numbers without a type are int32 if they fit, else int64 or double; what fits in none is refused")
    func numbers() throws {
        func read(_ text: String) throws -> BSONValue? { try BSONDocument(extendedJSON: "{\"n\": \(text)}")["n"] }
        #expect(try read("2147483647") == .int32(.max))
        #expect(try read("2147483648") == .int64(1 << 31))
        #expect(try read("9007199254740993") == .int64(1 << 53 + 1))
        #expect(try read("-9223372036854775808") == .int64(.min))
        #expect(try read("1.0") == 1.0)
        #expect(try read("1e3") == 1000.0)
        #expect(try read("-0.0") == .double(-0.0))
        #expect(try read(#"{"$numberDouble": "-Infinity"}"#) == .double(-.infinity))
        for text in ["9223372036854775808", "1e400", "01", "+1", "1.", ".5", "0x10", "1_000"] {
            #expect(throws: BSONError.self, "\(text)") { try read(text) }
        }
    }

    @Test("dates beyond year 9999 and before 1970 are written as numbers, and every date is read back")
    func dates() throws {
        for milliseconds in [Int64.min, -1, 0, 253_402_300_799_999, 253_402_300_800_000, .max] {
            let document: BSONDocument = ["o": ["a": [.datetime(BSONDate(milliseconds: milliseconds))]], "x": 1.0]
            for format in [ExtendedJSONFormat.canonical, .relaxed] {
                let text = try document.extendedJSON(format)
                #expect(try BSONDocument(extendedJSON: text) == document)
                let isText = format == .relaxed && (0...253_402_300_799_999).contains(milliseconds)
                #expect(text.contains("$numberLong") == !isText, "\(text)")
            }
        }
        #expect(throws: BSONError.self) { try BSONDocument(extendedJSON: #"{"a": {"$date": "2023-02-29T00:00:00Z"}}"#) }
        let texts = [
            ("0000-01-01T00:00:00Z", -62_167_219_200_000), ("0001-03-01T00:00:00.5Z", -62_130_499_199_500),
            ("1600-02-29T12:00:00.012Z", -11_670_955_199_988), ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29T00:00:00-01:30", 951_787_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ]
        for (text, milliseconds) in texts {
            #expect(
                try BSONValue(extendedJSON: #"{"$date": "\#(text)"}"#)
                    == .datetime(BSONDate(milliseconds: Int64(milliseconds))),
                "\(text)")
        }
        let leap = try BSONDocument(extendedJSON: #"{"a": {"$date": "2024-02-29T00:00:00+0100"}}"#)
        #expect(leap == ["a": .datetime(BSONDate(milliseconds: 1_709_161_200_000))])
    }

    @Test("values that libbson would quietly change are written in full")
    func respelled() throws {
        let regex = try BSONRegex(pattern: "a\"", options: "zi")
        #expect(
            try BSONDocument(dictionaryLiteral: ("r", .regex(regex))).extendedJSON(.relaxed)
                == #"{ "r" : { "$regularExpression" : { "pattern" : "a\"", "options" : "iz" } } }"#)
        let pointer = BSONDBPointer(namespace: "a\0b", id: try #require(ValueBytesTests.objectID))
        #expect(
            try BSONValue.javascriptWithScope(BSONJavaScriptWithScope(code: "f", scope: ["p": .dbPointer(pointer)]))
                .extendedJSON(
                    .canonical)
                == ##"{ "$code" : "f", "$scope" : { "p" : { "$dbPointer" : { "$ref" : "a\u0000b", "$id" : { "$oid" : "56e1fc72e0c917e9c4714161" } } } } }"##
        )
    }

    @Test(
        "a text that is not the extended JSON of one document is refused with its place",
        arguments: [
            ("", [], "line 1, column 1"),
            ("  ", [], "line 1, column 3"),
            ("null", [], "line 1, column 1"),
            ("[]", [], "line 1, column 1"),
            ("{} {}", [], "line 1, column 4"),
            ("{\"a\": 1},", [], "line 1, column 9"),
            ("{\"a\": 1", [], "line 1, column 8"),
            ("{\"a\": 1,}", [], "line 1, column 9"),
            ("{,}", [], "line 1, column 2"),
            ("{\"a\"}", [], "line 1, column 5"),
            ("{\"a\":}", ["a"], "line 1, column 6"),
            ("{a: 1}", [], "line 1, column 2"),
            ("{\"é\": [1, {\n  \"b\": tru}]}", ["é", "1", "b"], "line 2, column 11"),
            ("{\"é\": [1, 2 3]}", ["é"], "line 1, column 13"),
            ("{\"a\": [1,]}", ["a", "1"], "line 1, column 10"),
            ("{\"a\": \"x\0\"}", ["a"], "line 1, column 9"),
            ("{\"a\": 1}\0", [], "line 1, column 9"),
            ("{\"b\": 1, \"a\\u0000\": 1}", [], "line 1, column 10"),
            ("{\"a\": \"\n\"}", ["a"], "line 1, column 8"),
            (#"{"a": "\ud800"}"#, ["a"], "line 1, column 8"),
            (#"{"a": "\udc00\ud800"}"#, ["a"], "line 1, column 8"),
            (#"{"a": "\ud800\u0041"}"#, ["a"], "line 1, column 8"),
            (#"{"a": "\u00g0"}"#, ["a"], "line 1, column 8"),
            (#"{"a": "\x"}"#, ["a"], "line 1, column 8"),
            (#"{"a": "\"#, ["a"], "line 1, column 8"),
            (#"{"a": NaN}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$numberDouble": "1.5x"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"\u0024numberDouble": ""}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$numberDouble": "0x10"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$numberDecimal": "x"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$numberDecimal": "12345678901234567890123456789012345"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$numberLong": "9223372036854775808"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$numberInt": "2147483648"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$numberInt": "1", "$numberInt": "2"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$timestamp": {"t": 4294967296, "i": 1}}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$timestamp": {"t": 1, "i": -1}}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$binary": {"base64": "", "subType": "100"}}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$binary": {"base64": "A*==", "subType": "00"}}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$binary": {"base64": "", "subType": "00", "x": 1}}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$binary": "", "$type": "100"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$code": "", "$scope": 1}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$regularExpression": {"pattern": "\u0000", "options": ""}}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$oid": "56e1"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$uuid": "73ffd26444b34c6990e8e7d1dfc035d4"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$minKey": 2}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$undefined": false}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$date": "yesterday"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$date": "2024-01-01T00:00:00"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$date": "2024-01-01T24:00:00Z"}}"#, ["a"], "line 1, column 7"),
            (#"{"a": {"$date": "2024-01-01T00:00:00.1234Z"}}"#, ["a"], "line 1, column 7"),
        ] as [(String, [String], String)])
    func refused(text: String, path: [String], place: String) throws {
        let error = try #require(throws: BSONError.self) { try BSONDocument(extendedJSON: text) }
        #expect(error.code == .invalidJSON)
        #expect(error.path == path, "\(error)")
        #expect(error.message.contains(place), "\(error)")
    }

    @Test("operators of queries are fields, and a pair of $regex and $options is a regular expression")
    func operators() throws {
        #expect(
            try BSONDocument(extendedJSON: #"{"a": {"$gt": 1, "$type": "int"}, "$or": [{"b": {"$type": "00"}}]}"#)
                == ["a": ["$gt": .int32(1), "$type": "int"], "$or": [["b": ["$type": "00"]]]])
        #expect(
            try BSONDocument(
                extendedJSON: #"{"a": {"$regex": "x"}, "b": {"$regex": "x", "$options": "i", "$ne": "y"}}"#)
                == ["a": ["$regex": "x"], "b": ["$regex": "x", "$options": "i", "$ne": "y"]])
        let regex = try BSONRegex(pattern: "x", options: "im")
        #expect(try BSONDocument(extendedJSON: #"{"a": {"$options": "mi", "$regex": "x"}}"#) == ["a": .regex(regex)])
        #expect(
            try BSONDocument(extendedJSON: #"{"$oid": "x", "a": {"b": 1, "$oid": 1}}"#) == [
                "$oid": "x", "a": ["b": .int32(1), "$oid": .int32(1)],
            ])
    }

    @Test("a message has no value of the text")
    func confidential() throws {
        for text in [
            #"{"a": {"$oid": "secret"}}"#, #"{"a": {"$date": "secret"}}"#, #"{"a": {"$numberInt": "\"secret"}}"#,
            #"{"a": secret}"#,
        ] {
            let error = try #require(throws: BSONError.self) { try BSONDocument(extendedJSON: text) }
            #expect(!error.description.contains("secret"), "\(error)")
        }
    }

    @Test("depth and size are limited before anything is parsed")
    func limits() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "{\"a\":", count: levels) + "1" + String(repeating: "}", count: levels)
        }
        #expect(try BSONDocument(extendedJSON: nested(BSONDocument.maximumDepth)).bytes.isEmpty == false)
        for text in [nested(BSONDocument.maximumDepth + 1), "{\"a\":" + String(repeating: "[", count: 1_000_000)] {
            let error = #expect(throws: BSONError.self) { try BSONDocument(extendedJSON: text) }
            #expect(error?.code == .tooDeep)
            #expect(error?.path.starts(with: ["a"]) == true)
        }
        let text = "{\"a\": \"\(String(repeating: "x", count: 88))\"}"
        #expect(try BSONDocument(extendedJSON: text, maximumBytes: 101).bytes.count == 101)
        for limit in [100, 5, 0] {
            let error = #expect(throws: BSONError.self) { try BSONDocument(extendedJSON: text, maximumBytes: limit) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test("a document of 200 levels is written, one that is none is refused")
    func writing() throws {
        var document: BSONDocument = ["x": 1]
        for _ in 1..<BSONDocument.maximumDepth { document = ["a": .document(document)] }
        #expect(try document.extendedJSON(.relaxed).contains("\"x\" : 1 }"))
        #expect(throws: BSONError.self) {
            try BSONDocument(dictionaryLiteral: ("a", .document(document))).extendedJSON(.relaxed)
        }
        #expect(throws: BSONError.self) { try BSONDocument(unchecked: [5, 0, 0, 0, 1]).extendedJSON(.relaxed) }
        #expect(try BSONDocument().extendedJSON(.canonical) == "{ }")
    }

    @Test("corrupted text is refused or read, never a crash, and what is read is valid")
    func corruptions() throws {
        let alphabet = Array("{}[]\",:\\$u0019-.eEtn \0\u{FF}".utf8)
        for seed in 0..<UInt64(10 * testCases) {
            var random = RandomBSON(seed: seed % 50, isJSONSafe: true)
            var bytes = Array(try random.document(depth: 3).extendedJSON(.canonical).utf8)
            random.generator = SeededGenerator(seed: seed)
            for _ in 0..<random.number(1...4) where !bytes.isEmpty {
                let index = random.number(0...max(0, bytes.count - 1))
                switch random.number(0...2) {
                case 0: bytes[index] = alphabet.randomElement(using: &random.generator) ?? 0
                case 1: bytes.remove(at: index)
                default: bytes.insert(alphabet.randomElement(using: &random.generator) ?? 0, at: index)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                let document = try BSONDocument(extendedJSON: text)
                #expect(document.isValidToLibbson, "seed \(seed)")
            } catch {
                #expect(error.code == .invalidJSON, "seed \(seed): \(error)")
            }
        }
    }
}
