import DaybookBSON
import Foundation
import Testing

@Suite("one coder for many values")
struct ReuseTests {
    enum Event: Codable, Equatable, Sendable {
        case opened(member: String, at: Date, lines: [Line])
        case renamed(to: String?)
        case closed
    }

    struct Line: Codable, Equatable, Sendable {
        var article: String
        var count: Int?
    }

    @Test("values of many types, one after another, are coded as by a coder of their own")
    func mixed() throws {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        func check<T: Codable & Equatable>(_ value: T) throws {
            let document = try encoder.encode(value)
            #expect(try BSONEncoder().encode(value) == document)
            #expect(try decoder.decode(T.self, from: document) == value)
            #expect(try BSONDecoder().decode(T.self, from: document) == value)
        }
        func check(case event: Event) throws {
            let (name, payload) = try encoder.encodeCase(event)
            let fresh = try BSONEncoder().encodeCase(event)
            #expect((name, payload) == fresh)
            #expect(try payload.withBorrowed { try decoder.decodeCase(Event.self, name: name, payload: $0) } == event)
        }
        for round in 0..<4 {
            try check(
                case: .opened(
                    member: "m\(round)", at: Date(timeIntervalSince1970: 1), lines: [Line(article: "a", count: round)]))
            try check(case: .renamed(to: round % 2 == 0 ? nil : "x"))
            try check(case: .closed)
            try check(Line(article: "b", count: nil))
            try check(["k": Line(article: "c", count: 1), "a": Line(article: "d", count: nil)])
            try check(Wrapped(value: round % 2 == 0 ? nil : Date(timeIntervalSince1970: Double(round))))
            try check(Wrapped(value: Set([3, 1, 2])))
            try check(Wrapped(value: UUID()))
            try check(Wrapped(value: Data([1, 2])))
            try check(Wrapped(value: Decimal(string: "1.5")))
            try check(Wrapped(value: URL(string: "https://example.org")))
            try check(Wrapped(value: [Wrapped(value: "x"), Wrapped(value: "y")]))
            try check(Wrapped(value: BSONValue.null))
            try check(Wrapped(value: BSONDate(milliseconds: 3)))
            try check(Wrapped(value: [Float(1), 2]))
        }
    }

    struct Wrapped<Value: Codable & Equatable>: Codable, Equatable {
        var value: Value
    }

    @Test("the value of an optional decides how it is encoded each time, and not its type")
    func optionals() throws {
        struct List: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(Date?.none, forKey: "a")
                try container.encode(Date?.some(Date(timeIntervalSince1970: 1)), forKey: "b")
                var list = container.nestedUnkeyedContainer(forKey: "l")
                try list.encode(Set<Int>?.none)
                try list.encode(Set<Int>?.some([2, 1, 3]))
            }
        }
        let encoder = BSONEncoder()
        for _ in 0..<3 {
            let date = BSONValue.datetime(BSONDate(milliseconds: 1000))
            #expect(try encoder.encode(List()) == ["a": .null, "b": date, "l": [.null, [1, 2, 3]]])
        }
    }

    @Test("a failed call leaves nothing for the next")
    func failed() throws {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        for _ in 0..<3 {
            #expect(throws: EncodingError.self) { try encoder.encode(Wrapped(value: Wrapped(value: UInt64.max))) }
            #expect(throws: EncodingError.self) { try encoder.encodeCase(Line(article: "a")) }
            #expect(try encoder.encode(Line(article: "a", count: 1)) == ["article": "a", "count": 1])
            let error = #expect(throws: DecodingError.self) { try decoder.decode(Line.self, from: ["article": 1]) }
            #expect(error?.path == ["article"])
            let unknown = #expect(throws: BSONError.self) {
                try BSONDocument().withBorrowed { try decoder.decodeCase(Event.self, name: "moved", payload: $0) }
            }
            #expect(unknown?.code == .unknownCase)
            #expect(try decoder.decode(Line.self, from: ["article": "a"]) == Line(article: "a", count: nil))
        }
    }

    final class Keeper: Codable {
        var decoder: (any Decoder)?
        var read: KeyedDecodingContainer<AnyKey>?
        var encoder: (any Encoder)?
        var written: KeyedEncodingContainer<AnyKey>?

        init() {}
        init(from decoder: any Decoder) throws {
            self.decoder = decoder
            read = try decoder.container(keyedBy: AnyKey.self)
        }
        func encode(to encoder: any Encoder) throws {
            self.encoder = encoder
            written = encoder.container(keyedBy: AnyKey.self)
            try written?.encode(1, forKey: "a")
        }
    }

    @Test("a decoder that a value kept finds nothing of the values decoded later")
    func keptDecoder() throws {
        struct Prying: Decodable {
            nonisolated(unsafe) static var keeper: Keeper?
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: AnyKey.self)
                #expect(try container.decode(Int.self, forKey: "a") == 2)
                let keeper = try #require(Self.keeper)
                let error = #expect(throws: DecodingError.self) { try keeper.read?.decode(Int.self, forKey: "a") }
                #expect(error?.code == .expired)
                #expect(throws: DecodingError.self) { try keeper.decoder?.container(keyedBy: AnyKey.self) }
            }
        }
        let decoder = BSONDecoder()
        Prying.keeper = try decoder.decode(Keeper.self, from: ["a": 1])
        for _ in 0..<3 { _ = try decoder.decode(Prying.self, from: ["a": 2]) }
    }

    @Test("an encoder that a value kept writes nothing into the values encoded later")
    func keptEncoder() throws {
        struct Prying: Encodable {
            let keeper: Keeper
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                let error = #expect(throws: EncodingError.self) { try keeper.written?.encode(2, forKey: "b") }
                #expect(error?.code == .expired)
                #expect(throws: EncodingError.self) {
                    var single = keeper.encoder?.singleValueContainer()
                    try single?.encode("x")
                }
                try container.encode(3, forKey: "c")
            }
        }
        let encoder = BSONEncoder()
        let keeper = Keeper()
        #expect(try encoder.encode(keeper) == ["a": 1])
        for _ in 0..<3 { #expect(try encoder.encode(Prying(keeper: keeper)) == ["c": 3]) }
    }

    @Test("a value that uses its own coder while it is coded disturbs nothing")
    func reentrant() throws {
        struct Inner: Codable, Equatable { var text = "inner" }
        struct Outer: Codable, Equatable {
            static let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
            var before = 1, packed = BSONDocument(), after = "z"
            enum CodingKeys: CodingKey { case before, packed, after }
            init() {}
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                before = try container.decode(Int.self, forKey: .before)
                packed = try container.decode(BSONDocument.self, forKey: .packed)
                #expect(try Self.decoder.decode(Inner.self, from: packed) == Inner())
                packed = BSONDocument()
                after = try container.decode(String.self, forKey: .after)
            }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(before, forKey: .before)
                try container.encode(try Self.encoder.encode(Inner()), forKey: .packed)
                try container.encode(after, forKey: .after)
            }
        }
        for _ in 0..<3 {
            let document = try Outer.encoder.encode(Outer())
            #expect(document == ["before": 1, "packed": ["text": "inner"], "after": "z"])
            #expect(try Outer.decoder.decode(Outer.self, from: document) == Outer())
        }
    }

    @Test(
        "a value that has its own encoder write a value like it, and that again, is written as by encoders of their own"
    )
    func nestedCalls() throws {
        struct Level: Encodable {
            static let encoder = BSONEncoder()
            var depth: Int
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                try container.encode(depth, forKey: "depth")
                if depth > 0 {
                    let inner = try Self.encoder.encodeCase(ReuseTests.Event.renamed(to: "\(depth)"))
                    try container.encode(inner.payload, forKey: "case")
                    try container.encode(try Self.encoder.encode(Level(depth: depth - 1)), forKey: "next")
                }
                try container.encode("z", forKey: "after")
            }
        }
        func expected(_ depth: Int) -> BSONDocument {
            guard depth > 0 else { return ["depth": 0, "after": "z"] }
            return [
                "depth": .int64(Int64(depth)), "case": ["to": .string("\(depth)")],
                "next": .document(expected(depth - 1)),
                "after": "z",
            ]
        }
        for depth in [3, 0, 5, 1] { #expect(try Level.encoder.encode(Level(depth: depth)) == expected(depth)) }
    }

    private static let mark = CodingUserInfoKey(rawValue: "mark")

    struct Marked: Codable, Equatable {
        var mark: Int?

        init() {}
        init(from decoder: any Decoder) throws {
            mark = ReuseTests.mark.flatMap { decoder.userInfo[$0] as? Int }
        }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: AnyKey.self)
            try container.encode(ReuseTests.mark.flatMap { encoder.userInfo[$0] as? Int }, forKey: "mark")
        }
    }

    @Test("each call finds the user info that its coder has then, also where copies share what they remember")
    func userInfo() throws {
        let key = try #require(Self.mark)
        var (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        let (plainEncoder, plainDecoder) = (encoder, decoder)
        for mark in [1, nil, 2, 3, nil, nil] {
            encoder.userInfo[key] = mark
            decoder.userInfo[key] = mark
            #expect(try encoder.encode(Marked()) == ["mark": mark.map { .int64(Int64($0)) } ?? .null])
            #expect(try decoder.decode(Marked.self, from: [:]).mark == mark)
            #expect(try plainEncoder.encode(Marked()) == ["mark": .null])
            #expect(try plainDecoder.decode(Marked.self, from: [:]).mark == nil)
        }
    }

    @Test("an error of a value's own, in the middle of much else, leaves nothing in the coder")
    func thrownByValue() throws {
        struct Stop: Error {}
        struct Failing: Codable {
            init() {}
            init(from decoder: any Decoder) throws {
                var list = try decoder.container(keyedBy: AnyKey.self).nestedUnkeyedContainer(forKey: "l")
                _ = try list.decode(Int.self)
                throw Stop()
            }
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(["b": 2, "a": 1])
                var inner = list.nestedContainer(keyedBy: AnyKey.self)
                try inner.encode(1, forKey: "x")
                throw Stop()
            }
        }
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        for _ in 0..<3 {
            #expect(throws: Stop.self) { try encoder.encode(["k": [Failing()]]) }
            #expect(throws: Stop.self) { try encoder.encodeCase(["k": Failing()]) }
            #expect(throws: Stop.self) { try decoder.decode(Failing.self, from: ["l": [1, 2]]) }
            #expect(try encoder.encode(["b": 2, "a": 1]) == ["a": 1, "b": 2])
            #expect(try encoder.encodeCase(Event.closed).payload == [:])
            #expect(try decoder.decode([String: [Int]].self, from: ["l": [1, 2]]) == ["l": [1, 2]])
        }
    }

    @Test("the caches of a coder that serves many tasks disturb none of them")
    func concurrentKeepers() async throws {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var kept: [Keeper] = []
                    for index in 0..<300 {
                        let keeper = Keeper()
                        #expect(try encoder.encode(keeper) == ["a": 1])
                        kept.append(keeper)
                        let value = Int64(task * 1000 + index)
                        let read = try decoder.decode(Keeper.self, from: ["a": .int64(value)])
                        kept.append(read)
                        #expect(try encoder.encode(["v": value]) == ["v": .int64(value)])
                        #expect(try decoder.decode([String: Int64].self, from: ["v": .int64(value)]) == ["v": value])
                        #expect(throws: DecodingError.self) { try read.read?.decode(Int.self, forKey: "a") }
                        #expect(throws: EncodingError.self) { try keeper.written?.encode(2, forKey: "b") }
                        if index % 3 == 0 { kept.removeAll() }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a call's data is released when it ends, whatever of the coder is kept for the next")
    func userInfoEnds() throws {
        final class Given: Sendable {}
        let key = try #require(CodingUserInfoKey(rawValue: "given"))
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        weak var given: Given?
        do {
            let object = Given()
            given = object
            var (ownEncoder, ownDecoder) = (encoder, decoder)
            (ownEncoder.userInfo, ownDecoder.userInfo) = ([key: object], [key: object])
            #expect(try ownDecoder.decode([String: Int].self, from: ownEncoder.encode(["a": 1])) == ["a": 1])
        }
        #expect(given == nil)
        #expect(try decoder.decode([String: Int].self, from: encoder.encode(["a": 2])) == ["a": 2])
    }

    @Test("a coder serves many tasks at once")
    func concurrent() async throws {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<500 {
                        let event = Event.opened(
                            member: "member-\(task)-\(index)", at: Date(timeIntervalSince1970: Double(index)),
                            lines: [Line(article: "\(task)", count: index)])
                        let (name, payload) = try encoder.encodeCase(event)
                        #expect(
                            try payload.withBorrowed { try decoder.decodeCase(Event.self, name: name, payload: $0) }
                                == event)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a large value after and before small ones")
    func large() throws {
        let (encoder, decoder) = (BSONEncoder(), BSONDecoder())
        for length in [1, 600, 70_000, 3, 1_000_000, 5] {
            let value = Wrapped(value: String(repeating: "x", count: length))
            let document = try encoder.encode(value)
            #expect(document.bytes.count == length + 17)
            #expect(document.isValidToLibbson)
            #expect(try decoder.decode(Wrapped<String>.self, from: document) == value)
        }
    }
}
