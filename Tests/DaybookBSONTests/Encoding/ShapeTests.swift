import DaybookBSON
import Foundation
import Testing

@Suite("Codable shapes")
struct ShapeTests {
    struct Everything: Codable, Equatable {
        enum Color: String, Codable { case red, green }
        struct Point: Codable, Equatable { var x = 1, y: Double? = 2.5 }

        var int = -1, int8 = Int8(2), int16 = Int16(3), int32 = Int32(4), int64 = Int64.min
        var uint = UInt(5), uint8 = UInt8(6), uint16 = UInt16(7), uint32 = UInt32.max, uint64 = UInt64(8)
        var float = Float(0.1), double = 0.1, bool = true, text = "héllo"
        var date = Date(timeIntervalSince1970: 1.5), uuid = UUID(), data = Data([1, 2, 3])
        var decimal = Decimal(12345) / 100, url = URL(string: "https://example.org/a?b=c")
        var color = Color.green, point = Point(), points = [Point(x: 2, y: nil), Point()]
        var none: Int?, some: Int? = 3, nested: [[Int?]] = [[1, nil], []], optionalPoint: Point? = Point()
        var dictionary = ["b": 1, "a": 2], byInt = [10: "x", 9: "y"], byColor: [Color: Int] = [.red: 1, .green: 2]
        var set: Set = [3, 1, 2], value: BSONValue = ["x": nil], document: BSONDocument = ["y": 1]
    }

    @Test("every type a value can be made of survives a round trip and is valid to libbson")
    func roundTrip() throws {
        let value = Everything()
        let document = try BSONEncoder().encode(value)
        #expect(document.isValidToLibbson)
        #expect(try BSONDocument(validating: document.bytes) == document)
        #expect(try BSONDecoder().decode(Everything.self, from: document) == value)
    }

    @Test("types are stored as documented")
    func types() throws {
        let document = try BSONEncoder().encode(Everything())
        let expected: [String: BSONType] = [
            "int": .int64, "int8": .int32, "int16": .int32, "int32": .int32, "int64": .int64, "uint": .int64,
            "uint8": .int32,
            "uint16": .int32, "uint32": .int64, "uint64": .int64, "float": .double, "bool": .bool, "date": .datetime,
            "uuid": .binary, "data": .binary, "decimal": .decimal128, "url": .string, "color": .string,
            "points": .array,
            "dictionary": .document, "byInt": .document, "byColor": .array, "set": .array, "value": .document,
        ]
        for (key, type) in expected { #expect(document[key]?.type == type, "\(key)") }
        #expect(document["none"] == nil)
        #expect(document["nested"] == [[1, nil], []])
    }

    @Test("fields are in coding order and a nil is absent, unless it is encoded")
    func fieldOrder() throws {
        struct Value: Encodable { var b: Int32 = 1, n: Int?, a = "x", e: [Int?] = [nil] }
        #expect(try BSONEncoder().encode(Value()) == ["b": .int32(1), "a": "x", "e": [nil]])
    }

    @Test("containers may be written in any order")
    func anyOrder() throws {
        struct Value: Encodable {
            func encode(to encoder: any Encoder) throws {
                var root = encoder.container(keyedBy: AnyKey.self)
                var first = root.nestedContainer(keyedBy: AnyKey.self, forKey: "first")
                try first.encode(1, forKey: "a")
                var second = root.nestedUnkeyedContainer(forKey: "second")
                try second.encode("x")
                try first.encode(["deep": [true]], forKey: "b")
                let late = root.superEncoder(forKey: "late")
                let unused = root.superEncoder(forKey: "unused")
                let text = root.superEncoder()
                try root.encode(2, forKey: "c")
                var inner = first.nestedUnkeyedContainer(forKey: "inner")
                try inner.encode(Int32(1))
                try second.encode([1, 2])
                try inner.encodeNil()
                var lateFields = late.container(keyedBy: AnyKey.self)
                try lateFields.encode("z", forKey: "z")
                var element = second.nestedContainer(keyedBy: AnyKey.self)
                try element.encode(UUID(uuid: BorrowedDocumentTests.uuid.uuid), forKey: "u")
                var single = text.singleValueContainer()
                try single.encode("text")
                try root.encode(3, forKey: "d")
                try first.encode(4, forKey: "last")
                try element.encode(5, forKey: "last")
                _ = unused
            }
        }
        let document = try BSONEncoder().encode(Value())
        #expect(
            document == [
                "first": ["a": 1, "b": ["deep": [true]], "inner": [.int32(1), nil], "last": 4],
                "second": ["x", [1, 2], ["u": .binary(BSONBinary(BorrowedDocumentTests.uuid)), "last": 5]],
                "late": ["z": "z"], "unused": [:], "super": "text", "c": 2, "d": 3,
            ])
        #expect(document.isValidToLibbson)
    }

    class Animal: Codable {
        var name = "cat"
        init() {}
    }

    final class Pet: Animal {
        var owner = "eve", parts = ["tail": 1]
        enum Keys: String, CodingKey { case owner, parts }
        override init() { super.init() }
        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            owner = try container.decode(String.self, forKey: .owner)
            parts = try container.decode([String: Int].self, forKey: .parts)
            try super.init(from: try container.superDecoder())
        }
        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try super.encode(to: container.superEncoder())
            try container.encode(owner, forKey: .owner)
            try container.encode(parts, forKey: .parts)
        }
    }

    @Test("a class and its superclass survive a round trip through a super encoder")
    func inheritance() throws {
        let document = try BSONEncoder().encode(Pet())
        #expect(document == ["super": ["name": "cat"], "owner": "eve", "parts": ["tail": 1]])
        #expect(try BSONDecoder().decode(Pet.self, from: document).name == "cat")
    }

    @Test("a class and its superclass may share one container")
    func sharedContainer() throws {
        class Base: Encodable {
            let a = 1
        }
        final class Derived: Base {
            override func encode(to encoder: any Encoder) throws {
                try super.encode(to: encoder)
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(2, forKey: "b")
            }
        }
        #expect(try BSONEncoder().encode(Derived()) == ["a": 1, "b": 2])
    }

    @Test("a value that encodes nothing is an empty document")
    func nothing() throws {
        struct Nothing: Codable, Equatable {}
        #expect(try BSONEncoder().encode(Nothing()) == [:])
        #expect(
            try BSONEncoder().encode([Nothing()].enumerated().map { ["\($0.offset)": $0.element] }.first) == ["0": [:]])
        #expect(try BSONDecoder().decode(Nothing.self, from: [:]) == Nothing())
    }

    @Test("the top level must be a document, but a value may be anything")
    func topLevel() throws {
        let error = #expect(throws: EncodingError.self) { try BSONEncoder().encode([1]) }
        #expect(error?.code == .typeMismatch)
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(1) }
        #expect(try BSONEncoder().encodeValue(1) == 1)
        #expect(try BSONEncoder().encodeValue([Int32(1)]) == [.int32(1)])
        #expect(try BSONEncoder().encodeValue(Int?.none) == nil)
        #expect(try BSONEncoder().encodeValue(Everything.Color.red) == "red")
        #expect(
            try BSONEncoder().encodeValue(["a": Date(timeIntervalSince1970: 1)]) == [
                "a": .datetime(BSONDate(milliseconds: 1000))
            ]
        )
        #expect(try BSONEncoder().encodeValue(BSONValue.minKey) == .minKey)
    }
}

/// A coding key that is whatever text it is given.
struct AnyKey: CodingKey, ExpressibleByStringLiteral {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(stringLiteral value: String) { stringValue = value }
}
