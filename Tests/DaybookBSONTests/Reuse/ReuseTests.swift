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
                case: .opened(member: "m\(round)", at: Date(timeIntervalSince1970: 1), lines: [Line(article: "a", count: round)]))
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

    @Test("what an optional holds is told each time, not of its type")
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

    @Test("a failed call leaves nothing behind for the next")
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

    @Test("what a value kept of its decoder finds nothing of the values decoded later")
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

    @Test("what a value kept of its encoder writes nothing into the values encoded later")
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
                        #expect(try payload.withBorrowed { try decoder.decodeCase(Event.self, name: name, payload: $0) } == event)
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
