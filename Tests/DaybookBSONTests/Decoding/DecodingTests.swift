import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("decoding")
struct DecodingTests {
    struct Box<T: Codable>: Codable { var n: T }

    private func read<T: Codable>(_ type: T.Type, _ value: BSONValue) throws -> T {
        try BSONDecoder().decode(Box<T>.self, from: ["n": value]).n
    }

    @Test("a number is read from any numeric type that holds it exactly")
    func numbers() throws {
        #expect(try read(Int8.self, .int64(-128)) == -128)
        #expect(try read(UInt64.self, .int32(5)) == 5)
        #expect(try read(Int.self, .double(3)) == 3)
        #expect(try read(Double.self, .int64(1 << 53)) == 9_007_199_254_740_992)
        #expect(try read(Float.self, .double(Double(Float(0.1)))) == 0.1)
        #expect(try read(Float.self, .double(.nan)).isNaN)
        #expect(try read(Double.self, .int32(7)) == 7)
        #expect(try read(Decimal.self, .int64(7)) == 7)
        #expect(try read([Int].self, [.int32(1), .double(2)]) == [1, 2])
    }

    @Test("a number that does not fit exactly is refused with its path")
    func inexact() throws {
        for attempt in [
            { _ = try read(Int8.self, .int64(128)) }, { _ = try read(UInt.self, .int32(-1)) },
            { _ = try read(UInt8.self, .int32(256)) }, { _ = try read(Int.self, .double(1.5)) },
            { _ = try read(Int.self, .double(.nan)) }, { _ = try read(Int64.self, .double(9.3e18)) },
            { _ = try read(Double.self, .int64(1 << 53 + 1)) }, { _ = try read(Float.self, .double(0.1)) },
        ] as [() throws -> Void] {
            let error = #expect(throws: DecodingError.self) { try attempt() }
            #expect(error?.code == .notRepresentable)
            #expect(error?.path == ["n"])
        }
    }

    @Test("another type is a type mismatch, null a missing value, and an absent field a missing key")
    func mismatches() throws {
        #expect(throws: DecodingError.self) { try read(Int.self, true) }
        #expect(throws: DecodingError.self) { try read(Bool.self, 1) }
        #expect(throws: DecodingError.self) { try read(Date.self, 1) }
        #expect(throws: DecodingError.self) { try read(UUID.self, "x") }
        #expect(throws: DecodingError.self) { try read(Data.self, .binary(BSONBinary(subtype: .md5, bytes: []))) }
        #expect(throws: DecodingError.self) { try read([Int].self, ["0": 1]) }
        #expect(throws: DecodingError.self) { try read([String: Int].self, [1]) }
        do {
            _ = try read(String.self, nil)
            Issue.record("null was read as a text")
        } catch DecodingError.valueNotFound(_, let context) {
            #expect(context.codingPath.map(\.stringValue) == ["n"])
        }
        do {
            _ = try BSONDecoder().decode(Box<Int>.self, from: ["m": 1])
            Issue.record("an absent field was read")
        } catch DecodingError.keyNotFound(let key, _) {
            #expect(key.stringValue == "n")
        }
        #expect(try read(Int?.self, nil) == nil)
        #expect(try read(Int?.self, .undefined) == nil)
    }

    @Test("a fault deep inside is reported with its path")
    func path() throws {
        struct Outer: Decodable {
            struct Item: Decodable { var map: [String: [Int]] }
            var items: [Item]
        }
        let document: BSONDocument = ["x": 1, "items": [["map": [:]], ["map": ["k": [1, 2, "three"]]]]]
        let error = #expect(throws: DecodingError.self) { try BSONDecoder().decode(Outer.self, from: document) }
        #expect(error?.path == ["items", "1", "map", "k", "2"])
    }

    @Test("fields are found in any order, between unknown ones, with keys that begin alike")
    func anyOrder() throws {
        struct Value: Codable, Equatable { var a: Int, ab: Int, abc: Int?, d: [String: Int], z: String }
        let expected = Value(a: 1, ab: 2, abc: 3, d: ["x": 1], z: "z")
        let fields: [(String, BSONValue)] = [
            ("a", 1), ("ab", 2), ("abc", 3), ("d", ["x": 1]), ("z", "z"), ("q", [1]), ("", 0),
        ]
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<100 {
            var document = BSONDocument()
            for (key, value) in fields.shuffled(using: &generator) { try document.append(key, value) }
            #expect(try BSONDecoder().decode(Value.self, from: document) == expected)
        }
    }

    @Test("nested and unkeyed containers are read as they were written, in any order")
    func containers() throws {
        struct Value: Decodable {
            init(from decoder: any Decoder) throws {
                let root = try decoder.container(keyedBy: AnyKey.self)
                #expect(root.allKeys.map(\.stringValue) == ["o", "l", "n", "super"])
                #expect(root.contains("l"))
                #expect(!root.contains("absent"))
                #expect(try root.decodeNil(forKey: "n"))
                #expect(throws: DecodingError.self) { try root.decodeNil(forKey: "absent") }
                let object = try root.nestedContainer(keyedBy: AnyKey.self, forKey: "o")
                var list = try root.nestedUnkeyedContainer(forKey: "l")
                #expect(list.count == 5)
                #expect(try list.decode(Int.self) == 1)
                #expect(throws: DecodingError.self) { try list.decode(String.self) }
                #expect(try list.decode(Int.self) == 2)
                #expect(try object.decode(Int.self, forKey: "b") == 2)
                #expect(try list.nestedContainer(keyedBy: AnyKey.self).decode(Bool.self, forKey: "x"))
                #expect(try object.decode(Int.self, forKey: "a") == 1)
                #expect(try list.decodeNil())
                #expect(try !list.decodeNil())
                #expect(list.currentIndex == 4)
                var inner = try list.nestedUnkeyedContainer()
                #expect(inner.isAtEnd)
                #expect(list.isAtEnd)
                #expect(throws: DecodingError.self) { try list.decode(Int.self) }
                #expect(throws: DecodingError.self) { try inner.decodeNil() }
                #expect(try root.superDecoder().singleValueContainer().decode(String.self) == "s")
                #expect(try root.superDecoder(forKey: "absent").singleValueContainer().decodeNil())
                #expect(list.codingPath.map(\.stringValue) == ["l"])
            }
        }
        _ = try BSONDecoder().decode(
            Value.self, from: ["o": ["a": 1, "b": 2], "l": [1, 2, ["x": true], nil, []], "n": nil, "super": "s"])
    }

    @Test("a key with NUL finds nothing, even where the bytes would match")
    func keyWithNUL() throws {
        struct Value: Decodable {
            init(from decoder: any Decoder) throws {
                let root = try decoder.container(keyedBy: AnyKey.self)
                #expect(!root.contains("a\0\u{1}"))
                #expect(root.contains("a"))
            }
        }
        _ = try BSONDecoder().decode(Value.self, from: ["a": true])
    }

    @Test("a decoder that was kept throws when it is used")
    func escaped() throws {
        final class Keeper: Decodable {
            let decoder: any Decoder
            let container: KeyedDecodingContainer<AnyKey>
            init(from decoder: any Decoder) throws {
                self.decoder = decoder
                container = try decoder.container(keyedBy: AnyKey.self)
            }
        }
        let keeper = try BSONDecoder().decode(Keeper.self, from: ["a": 1])
        let error = #expect(throws: DecodingError.self) { try keeper.container.decode(Int.self, forKey: "a") }
        #expect(error?.code == .expired)
        #expect(throws: DecodingError.self) { try keeper.decoder.container(keyedBy: AnyKey.self) }
        #expect(throws: DecodingError.self) { try keeper.decoder.singleValueContainer().decode(BSONDocument.self) }
        #expect(keeper.container.allKeys.isEmpty)
        #expect(!keeper.container.contains("a"))
    }

    @Test("a decoder that delegates to itself forever ends in a typed error")
    func endless() {
        struct Endless: Decodable {
            init(from decoder: any Decoder) throws { _ = try decoder.singleValueContainer().decode(Endless.self) }
        }
        let error = #expect(throws: DecodingError.self) { try BSONDecoder().decode(Endless.self, from: ["a": 1]) }
        #expect(error?.code == .tooDeep)
    }

    @Test("user info reaches values on both ways")
    func userInfo() throws {
        struct Value: Codable {
            init() {}
            static var key: CodingUserInfoKey? { CodingUserInfoKey(rawValue: "k") }
            init(from decoder: any Decoder) throws { #expect(try decoder.userInfo[#require(Self.key)] as? Int == 7) }
            func encode(to encoder: any Encoder) throws {
                #expect(try encoder.userInfo[#require(Self.key)] as? Int == 7)
            }
        }
        var (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        encoder.userInfo = [try #require(Value.key): 7]
        decoder.userInfo = encoder.userInfo
        _ = try decoder.decode([String: [Value]].self, from: try encoder.encode(["v": [Value()]]))
    }
}
