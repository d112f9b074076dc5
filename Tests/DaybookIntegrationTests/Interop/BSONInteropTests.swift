import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

/// One document with every common type, stated twice: here, and in Python with pymongo's own types.
@Suite struct BSONInteropTests {
    private static let uuid = UUID(
        uuid: (0x01, 0x8F, 0x3B, 0x2A, 0x11, 0x22, 0x73, 0x44, 0x85, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC))

    private static func document() throws -> BSONDocument {
        [
            "double": 1.5, "negativeZero": -0.0, "infinity": .double(.infinity),
            "tiny": .double(.leastNonzeroMagnitude),
            "string": "text", "empty": "", "unicode": "Zoë 日本 🧾", "nul": "a\u{0}b",
            "document": ["a": .int32(1), "b": ["c": [:]]], "array": [.int32(1), "two", [3.0], ["four": .int32(4)], []],
            "binary": .binary(BSONBinary(bytes: [0, 1, 2, 254, 255])), "binaryEmpty": .binary(BSONBinary(bytes: [])),
            "binaryOld": .binary(BSONBinary(subtype: .outdatedGeneric, bytes: [7, 8])),
            "binaryUser": .binary(BSONBinary(subtype: .init(rawValue: 0x80), bytes: [9])),
            "uuid": .binary(BSONBinary(uuid)),
            "objectId": .objectID(try #require(BSONObjectID("0123456789abcdef01234567"))), "true": true, "false": false,
            "date": .datetime(BSONDate(milliseconds: 1_700_000_000_123)),
            "dateBefore1970": .datetime(BSONDate(milliseconds: -1)),
            "null": nil, "regex": .regex(try BSONRegex(pattern: "^a.*é$", options: "mi")),
            "javascript": .javascript("function () { return 1 }"),
            "int32": .int32(-7), "int32Min": .int32(.min), "int32Max": .int32(.max),
            "timestamp": .timestamp(BSONTimestamp(seconds: 1_700_000_000, increment: 3)),
            "int64": .int64(7), "int64Min": .int64(.min), "int64Max": .int64(.max),
            "decimal": .decimal128(try #require(BSONDecimal128("-12.50"))),
            "decimalLarge": .decimal128(try #require(BSONDecimal128("9.999999999999999999999999999999999E+6144"))),
            "minKey": .minKey, "maxKey": .maxKey,
        ]
    }

    /// The same in pymongo, and how it is compared: by type and value, field by field, in order.
    private static let prelude = """
        import bson, datetime, os, sys, uuid
        from bson import Int64, Decimal128, MinKey, MaxKey, ObjectId, Regex, Timestamp, Code, Binary
        from bson.codec_options import CodecOptions, DatetimeConversion
        options = CodecOptions(uuid_representation=bson.binary.UuidRepresentation.STANDARD, tz_aware=True)
        utc = datetime.timezone.utc
        expected = {
            "double": 1.5, "negativeZero": -0.0, "infinity": float("inf"), "tiny": 5e-324,
            "string": "text", "empty": "", "unicode": "Zo\\u00eb \\u65e5\\u672c \\U0001f9fe", "nul": "a\\0b",
            "document": {"a": 1, "b": {"c": {}}}, "array": [1, "two", [3.0], {"four": 4}, []],
            "binary": bytes([0, 1, 2, 254, 255]), "binaryEmpty": b"",
            "binaryOld": Binary(bytes([7, 8]), 2), "binaryUser": Binary(bytes([9]), 0x80),
            "uuid": uuid.UUID("018f3b2a-1122-7344-8566-778899aabbcc"),
            "objectId": ObjectId("0123456789abcdef01234567"), "true": True, "false": False,
            "date": datetime.datetime(2023, 11, 14, 22, 13, 20, 123000, utc),
            "dateBefore1970": datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, utc),
            "null": None, "regex": Regex("^a.*\\u00e9$", "im"), "javascript": Code("function () { return 1 }"),
            "int32": -7, "int32Min": -2**31, "int32Max": 2**31 - 1, "timestamp": Timestamp(1700000000, 3),
            "int64": Int64(7), "int64Min": Int64(-2**63), "int64Max": Int64(2**63 - 1),
            "decimal": Decimal128("-12.50"), "decimalLarge": Decimal128("9.999999999999999999999999999999999E+6144"),
            "minKey": MinKey(), "maxKey": MaxKey(),
        }

        def same(left, right):
            if type(left) is not type(right): return False
            if isinstance(left, dict):
                return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
            if isinstance(left, list):
                return len(left) == len(right) and all(map(same, left, right))
            if isinstance(left, float): return left.hex() == right.hex()
            return left == right

        def check(actual):
            actual = {k: v for k, v in actual.items() if k != "_id"}
            faults = [k for k in expected if k not in actual or not same(expected[k], actual[k])]
            for k in faults: print(k, repr(expected[k]), "is", repr(actual.get(k)), type(actual.get(k)), file=sys.stderr)
            if faults or list(actual) != list(expected):
                print("differs: " + ", ".join(faults or actual))
                sys.exit(3)

        """

    @Test("a document written here is read by pymongo with equal types and values, and has the same bytes")
    func writtenHere() async throws {
        let document = try Self.document()
        let output = try await Python.run(
            Self.prelude + """
                data = bytes.fromhex(sys.stdin.read())
                check(bson.decode(data, options))
                print(bson.encode(expected, codec_options=options).hex())
                """, input: document.bytes.hexadecimal)
        #expect(output == [document.bytes.hexadecimal])
    }

    @Test("a document written by pymongo is read here with equal types and values")
    func writtenThere() async throws {
        let output = try await Python.run(Self.prelude + "print(bson.encode(expected, codec_options=options).hex())")
        let bytes = try #require(output.first.flatMap { [UInt8](hexadecimal: $0) })
        let read = try BSONDocument(validating: bytes)
        try expectEqual(read, Self.document())
    }

    @Test("the comparison in Python distinguishes types")
    func comparison() async throws {
        for (key, value) in [
            ("int32", .int64(-7)), ("int64", .int32(7)), ("double", .int32(1)), ("negativeZero", 0.0), ("uuid", "text"),
            ("date", .datetime(BSONDate(milliseconds: 1_700_000_000_124))), ("string", "Text"), ("null", false),
        ] as [(String, BSONValue)] {
            let changed = try Self.document().setting(key, to: value)
            let failure = await #expect(throws: Python.Failed.self, "\(key)") {
                try await Python.run(
                    Self.prelude + "check(bson.decode(bytes.fromhex(sys.stdin.read()), options))",
                    input: changed.bytes.hexadecimal)
            }
            #expect(failure?.output == ["differs: \(key)"])
        }
    }

    @Test("a document that went through the server is the same for both drivers")
    func throughTheServer() async throws {
        try await withTestStore { store in
            let document = try Self.document()
            try await store.raw.insert([document.setting("_id", to: "here")], into: "interop")
            _ = try await Python.run(
                Self.prelude + """
                    import pymongo
                    collection = pymongo.MongoClient(os.environ["DAYBOOK_URI"])[sys.argv[1]].get_collection("interop", codec_options=options)
                    check(collection.find_one({"_id": "here"}))
                    collection.insert_one({"_id": "there", **expected})
                    """, [store.database])
            for id in ["here", "there"] {
                let stored = try #require(try await store.raw.document(in: "interop", id: id))
                try expectEqual(try stored.setting("_id", to: nil), document)
            }
        }
    }

    private struct Values: Codable, Equatable {
        enum Kind: String, Codable { case first, second }
        struct Inner: Codable, Equatable { var a = 1 }

        var int = 7
        var int8: Int8 = -8
        var int16: Int16 = 16
        var int32: Int32 = 32
        var int64: Int64 = 64
        var uint8: UInt8 = 200
        var uint32: UInt32 = .max
        var double = 0.1
        var float: Float = 0.5
        var text = "Zoë"
        var flag = true
        var kind = Kind.second
        var none: Int?
        var date = Date(timeIntervalSince1970: 1_700_000_000.123)
        var uuid = BSONInteropTests.uuid
        var data = Data([1, 2, 3])
        var decimal = Decimal(string: "12.5") ?? 0
        var url = URL(filePath: "/tmp/x")
        var inner = Inner()
        var list = [1, 2]
        var byName = ["b": 2, "a": 1]
    }

    @Test("a Codable value is read by pymongo with the types that the encoder states, and reads back")
    func codable() async throws {
        var values = Values()
        values.url = try #require(URL(string: "https://example.org/a"))
        let document = try BSONEncoder().encode(values)
        let output = try await Python.run(
            Self.prelude + """
                expected = {
                    "int": Int64(7), "int8": -8, "int16": 16, "int32": 32, "int64": Int64(64), "uint8": 200,
                    "uint32": Int64(2**32 - 1), "double": 0.1, "float": 0.5, "text": "Zo\\u00eb", "flag": True, "kind": "second",
                    "date": datetime.datetime(2023, 11, 14, 22, 13, 20, 123000, utc),
                    "uuid": uuid.UUID("018f3b2a-1122-7344-8566-778899aabbcc"), "data": bytes([1, 2, 3]),
                    "decimal": Decimal128("12.5"), "url": "https://example.org/a", "inner": {"a": Int64(1)},
                    "list": [Int64(1), Int64(2)], "byName": {"a": Int64(1), "b": Int64(2)},
                }
                check(bson.decode(bytes.fromhex(sys.stdin.read()), options))
                print(bson.encode(expected, codec_options=options).hex())
                """, input: document.bytes.hexadecimal)
        let written = try #require(output.first.flatMap { [UInt8](hexadecimal: $0) })
        #expect(try BSONDecoder().decode(Values.self, from: BSONDocument(validating: written)) == values)
    }

    /// Field by field, so that a failure names the field; then as bytes.
    private func expectEqual(_ read: BSONDocument, _ expected: BSONDocument) throws {
        let fields = try expected.withBorrowed { try $0.map { (try $0.keyString, try $0.value()) } }
        for (key, value) in fields { #expect(read[key] == value, "\(key)") }
        #expect(read == expected)
    }
}
