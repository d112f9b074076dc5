import DaybookBSON
import Foundation
import Testing

@Suite("encoding errors")
struct EncodingErrorTests {
    @Test("empty keys and keys with NUL are refused with their path, wherever they occur", arguments: ["", "a\0b"])
    func keys(key: String) {
        for attempt in [
            { try BSONEncoder().encode([key: 1]) },
            { try BSONEncoder().encode(["o": [["x": 1], [key: 1]]]) },
            { try BSONEncoder().encode(["o": [[key: ["x": 1]]]]) },
            { try BSONEncoder().encode(Nested(key: key)) },
        ] as [() throws -> BSONDocument] {
            let error = #expect(throws: EncodingError.self) { try attempt() }
            #expect(error?.code == .invalidKey)
        }
        let error = #expect(throws: EncodingError.self) { try BSONEncoder().encode(["o": [["x": 1], [key: 1]]]) }
        #expect(error?.path == ["o", "1", key])
    }

    struct Nested: Encodable {
        var key: String
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: AnyKey.self)
            var inner = container.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey(stringValue: key))
            try? inner.encode(1, forKey: "x")
        }
    }

    @Test("Unicode keys are kept byte for byte")
    func unicodeKeys() throws {
        let texts = ["\u{E9}": 1, "日本": 2, "👩‍👩‍👧": 3, " ": 4, "$a.b": 5]
        let document = try BSONEncoder().encode(texts)
        #expect(document.isValidToLibbson)
        #expect(document["\u{E9}"] == 1)
        #expect(document["e\u{301}"] == nil)
        #expect(try BSONDecoder().decode([String: Int].self, from: document) == texts)
    }

    @Test("a value that BSON cannot hold is refused with its path")
    func unrepresentable() throws {
        struct Value: Encodable { var list: [UInt64] }
        let error = #expect(throws: EncodingError.self) { try BSONEncoder().encode(Value(list: [1, .max])) }
        #expect(error?.path == ["list", "1"])
        #expect(error?.code == .notRepresentable)
        let date = #expect(throws: EncodingError.self) {
            try BSONEncoder().encode(["d": Date(timeIntervalSince1970: .nan)])
        }
        #expect(date?.path == ["d"])
        let digits = try #require(Decimal(string: "12345678901234567890123456789012345"))
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(["d": digits]) }
        #expect(try BSONEncoder().encode(["d": UInt64(Int64.max)]) == ["d": .int64(.max)])
    }

    final class Node: Codable {
        var next: Node?
        init(_ next: Node?) { self.next = next }
    }

    struct Endless: Encodable {
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(Endless())
        }
    }

    @Test("nesting up to the limit is encoded and decoded, beyond it is a typed error")
    func depth() throws {
        func chain(_ levels: Int) -> Node { (1..<levels).reduce(Node(nil)) { node, _ in Node(node) } }
        let document = try BSONEncoder().encode(chain(190))
        #expect(document.isValidToLibbson)
        #expect(try BSONEncoder().encode(BSONDecoder().decode(Node.self, from: document)) == document)
        let error = #expect(throws: EncodingError.self) { try BSONEncoder().encode(chain(1000)) }
        #expect(error?.code == .tooDeep)
        let endless = #expect(throws: EncodingError.self) { try BSONEncoder().encode(Endless()) }
        #expect(endless?.code == .tooDeep)
    }

    @Test("an encoder or container that was kept throws when it is used, and writes nowhere")
    func stale() throws {
        final class Keeper: Encodable {
            var kept: (any Encoder)?
            var container: KeyedEncodingContainer<AnyKey>?
            func encode(to encoder: any Encoder) throws {
                kept = encoder
                container = encoder.container(keyedBy: AnyKey.self)
                try container?.encode(1, forKey: "a")
            }
        }
        struct Pair: Encodable {
            let keeper = Keeper()
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(keeper, forKey: "k")
                try container.encode(["x": 1], forKey: "o")
                #expect(throws: EncodingError.self) { try keeper.container?.encode(2, forKey: "b") }
            }
        }
        let pair = Pair()
        #expect(try BSONEncoder().encode(pair) == ["k": ["a": 1], "o": ["x": 1]])
        let error = #expect(throws: EncodingError.self) { try pair.keeper.container?.encode(2, forKey: "b") }
        #expect(error?.code == .expired)
        #expect(throws: EncodingError.self) {
            var single = pair.keeper.kept?.singleValueContainer()
            try single?.encode(1)
        }
    }

    @Test("a failed value leaves nothing in the output when its caller continues")
    func swallowed() throws {
        struct Failing: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode("partial", forKey: "p")
                throw CancellationError()
            }
        }
        struct Tolerant: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(1, forKey: "a")
                try? container.encode(Failing(), forKey: "f")
                try? container.encode(UInt64.max, forKey: "u")
                var list = container.nestedUnkeyedContainer(forKey: "l")
                try? list.encode(Failing())
                try? list.encode(UInt64.max)
                try list.encode(2)
                try container.encode(3, forKey: "b")
            }
        }
        #expect(try BSONEncoder().encode(Tolerant()) == ["a": 1, "l": [2], "b": 3])
    }

    @Test("two shapes for one value are refused")
    func twoShapes() {
        struct Both: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(1, forKey: "a")
                var list = encoder.unkeyedContainer()
                try list.encode(1)
            }
        }
        struct Twice: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(1)
                try container.encode(2)
            }
        }
        struct ValueThenFields: Encodable {
            func encode(to encoder: any Encoder) throws {
                var single = encoder.singleValueContainer()
                try single.encodeNil()
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(1, forKey: "a")
            }
        }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(Both()) }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(["x": Twice()]) }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(ValueThenFields()) }
        #expect(throws: EncodingError.self) { try BSONEncoder().encode(["x": ValueThenFields()]) }
    }
}
