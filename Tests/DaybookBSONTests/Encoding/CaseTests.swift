import DaybookBSON
import Foundation
import Testing

@Suite("events as cases of an enum")
struct CaseTests {
    struct Info: Codable, Equatable, Sendable { var a = 1, b: String? }
    struct Unlabelled: Codable, Equatable, Sendable {
        var value = 1
        enum CodingKeys: String, CodingKey { case value = "_0" }
    }
    enum Inner: Codable, Equatable, Sendable { case x(n: Int), y }
    enum Name: String, Codable, Equatable, Sendable { case one, two }

    enum Event: Codable, Equatable, Sendable {
        case created(member: String, at: Date)
        case renamed(to: String?)
        case released
        case flat(Info)
        case flatDictionary([String: Int])
        case underscore(Unlabelled)
        case optional(Info?)
        case scalar(Int)
        case list([Int])
        case two(Info, Int)
        case mixed(Info, label: Int)
        case nested(Inner)
        case text(Name)
        case custom(Info)
        case set(Set<Int>)
        indirect case again(Event)

        enum CodingKeys: String, CodingKey {
            case created, renamed, released, flat, flatDictionary, underscore, optional, scalar, list, two, mixed,
                nested, text
            case custom = "is-custom"
            case set, again
        }
    }

    static let goldens: [(Event, String, BSONDocument)] = [
        (
            .created(member: "m", at: Date(timeIntervalSince1970: 1)), "created",
            ["member": "m", "at": .datetime(BSONDate(milliseconds: 1000))]
        ),
        (.renamed(to: "x"), "renamed", ["to": "x"]),
        (.renamed(to: nil), "renamed", [:]),
        (.released, "released", [:]),
        (.flat(Info(b: "x")), "flat", ["a": 1, "b": "x"]),
        (.flatDictionary(["k": 1]), "flatDictionary", ["k": 1]),
        (.flatDictionary([:]), "flatDictionary", [:]),
        (.flatDictionary(["_0": 1]), "flatDictionary", ["_0": ["_0": 1]]),
        (.underscore(Unlabelled()), "underscore", ["_0": ["_0": 1]]),
        (.optional(Info()), "optional", ["_0": ["a": 1]]),
        (.optional(nil), "optional", [:]),
        (.scalar(7), "scalar", ["_0": 7]),
        (.list([1]), "list", ["_0": [1]]),
        (.two(Info(), 2), "two", ["_0": ["a": 1], "_1": 2]),
        (.mixed(Info(), label: 3), "mixed", ["_0": ["a": 1], "label": 3]),
        (.nested(.x(n: 1)), "nested", ["x": ["n": 1]]),
        (.nested(.y), "nested", ["y": [:]]),
        (.text(.two), "text", ["_0": "two"]),
        (.custom(Info()), "is-custom", ["a": 1]),
        (.set([2, 1]), "set", ["_0": [1, 2]]),
        (.again(.flat(Info())), "again", ["flat": ["_0": ["a": 1]]]),
        (.again(.released), "again", ["released": [:]]),
    ]

    @Test("each shape of a case has its name and payload, and is read back", arguments: goldens.indices)
    func shapes(index: Int) throws {
        let (event, name, payload) = Self.goldens[index]
        let encoded = try BSONEncoder().encodeCase(event)
        #expect(encoded.name == name)
        #expect(encoded.payload == payload)
        #expect(encoded.payload.isValidToLibbson)
        #expect(try decode(Event.self, name, payload) == event)
    }

    @Test("an unlabelled payload that was stored under its key is read as well")
    func notFlat() throws {
        #expect(try decode(Event.self, "flat", ["_0": ["a": 2]]) == .flat(Info(a: 2)))
    }

    @Test("a generic payload is flat as a document, under its key as anything else")
    func generic() throws {
        enum Generic<T: Codable & Equatable>: Codable, Equatable { case value(T), none }
        func check<T: Codable & Equatable>(_ value: T, _ payload: BSONDocument) throws {
            let encoded = try BSONEncoder().encodeCase(Generic.value(value))
            #expect(encoded.payload == payload)
            #expect(try decode(Generic<T>.self, "value", encoded.payload) == .value(value))
        }
        try check(1, ["_0": 1])
        try check(Info(), ["a": 1])
        try check(Info?.some(Info()), ["a": 1])
        try check(Info?.none, ["_0": nil])
        try check([1], ["_0": [1]])
    }

    @Test("an unknown case is an error that names it")
    func unknown() {
        let error = #expect(throws: BSONError.self) { try decode(Event.self, "vanished", [:]) }
        #expect(error?.code == .unknownCase)
        #expect(error?.message.contains("vanished") == true)
        let text = #expect(throws: BSONError.self) { try decode(Name.self, "three", [:]) }
        #expect(text?.code == .unknownCase)
    }

    @Test("an enum of texts is a name without payload")
    func texts() throws {
        let encoded = try BSONEncoder().encodeCase(Name.two)
        #expect(encoded.name == "two")
        #expect(encoded.payload == [:])
        #expect(try decode(Name.self, "two", [:]) == .two)
    }

    @Test("a missing or wrong field of a payload is reported with its path")
    func payloadErrors() {
        let missing = #expect(throws: DecodingError.self) { try decode(Event.self, "created", ["member": "m"]) }
        #expect(missing?.path == ["created"])
        let wrong = #expect(throws: DecodingError.self) {
            try decode(Event.self, "mixed", ["_0": ["a": "x"], "label": 1])
        }
        #expect(wrong?.path == ["mixed", "_0", "a"])
        #expect(throws: DecodingError.self) { try decode(Event.self, "scalar", [:]) }
    }

    @Test("a value that does not encode as a case is refused")
    func notACase() {
        struct One: Encodable { var only = Info() }
        struct Many: Encodable { var a = 1, b = 2 }
        struct HandMade: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: AnyKey.self)
                _ = container.nestedContainer(keyedBy: AnyKey.self, forKey: "a")
                _ = container.nestedContainer(keyedBy: AnyKey.self, forKey: "b")
            }
        }
        func refused(_ value: some Encodable) {
            let error = #expect(throws: EncodingError.self) { try BSONEncoder().encodeCase(value) }
            #expect(error?.code == .typeMismatch)
        }
        refused(One())
        refused(Many())
        refused(HandMade())
        refused("text")
        refused(1)
        refused([1])
        refused(["a": 1])
        refused(["a": ["b": 1]])
    }

    private func decode<T: Decodable>(_ type: T.Type, _ name: String, _ payload: BSONDocument) throws -> T {
        try payload.withBorrowed { try BSONDecoder().decodeCase(type, name: name, payload: $0) }
    }
}
