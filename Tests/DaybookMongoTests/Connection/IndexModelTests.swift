import DaybookBSON
import DaybookMongo
import Testing

@Suite("An index and a server's description of it")
struct IndexModelTests {
    private let plain = IndexModel(name: "a_b", keys: [("a", 1), ("b", -1)])
    private let unique = IndexModel(name: "a_b", keys: [("a", 1), ("b", -1)], isUnique: true)
    private let partial = IndexModel(
        name: "a_b", keys: [("a", 1), ("b", -1)], isUnique: true, partialFilter: ["b": ["$exists": true, "$gt": 1]])
    private let expiring = IndexModel(name: "at", keys: [("at", 1)], expiresAfter: .seconds(60))
    private static let key: BSONDocument = ["a": .int32(1), "b": .int32(-1)]

    private func description(_ options: [(String, BSONValue)], key: BSONDocument = key) throws -> BSONDocument {
        var description: BSONDocument = ["v": .int32(2), "key": .document(key), "name": "another"]
        for (name, value) in options { try description.append(name, value) }
        return description
    }

    @Test(
        "an index equals a description with any numeric types, and with what servers add",
        arguments: [.int32(1), .int64(1), .double(1)] as [BSONValue],
        [.int32(-1), .int64(-1), .double(-1)] as [BSONValue])
    func same(one: BSONValue, minusOne: BSONValue) throws {
        let key: BSONDocument = ["a": one, "b": minusOne]
        #expect(plain.isSatisfied(by: try description([], key: key)))
        #expect(
            plain.isSatisfied(
                by: try description(
                    [("ns", "d.c"), ("background", true), ("hidden", true), ("unique", false), ("sparse", false)],
                    key: key)))
        #expect(plain.isSatisfied(by: try description([("collation", ["locale": "simple"])], key: key)))
        #expect(unique.isSatisfied(by: try description([("unique", true)], key: key)))
        #expect(unique.isSatisfied(by: try description([("unique", 1.0)], key: key)))
        #expect(
            partial.isSatisfied(
                by: try description(
                    [("partialFilterExpression", ["b": ["$gt": one, "$exists": true]]), ("unique", true)], key: key)))
        #expect(expiring.isSatisfied(by: ["key": ["at": one], "expireAfterSeconds": 60.0]))
    }

    @Test(
        "an index differs from a description with an option that makes it work differently",
        arguments: [
            ("unique", true), ("sparse", true), ("expireAfterSeconds", 60), ("partialFilterExpression", ["a": 1]),
            ("collation", ["locale": "en", "strength": 2]), ("wildcardProjection", ["a": 1]), ("bits", 26),
            ("future", "option"),
        ] as [(String, BSONValue)])
    func otherOption(name: String, value: BSONValue) throws {
        #expect(!plain.isSatisfied(by: try description([(name, value)])))
        #expect(plain.hasSameKeys(as: try description([(name, value)])))
        if name != "unique" { #expect(!unique.isSatisfied(by: try description([("unique", true), (name, value)]))) }
    }

    @Test("an index differs from a description that lacks a wanted option or has another value for it")
    func missingOption() throws {
        #expect(!unique.isSatisfied(by: try description([])))
        #expect(!unique.isSatisfied(by: try description([("unique", false)])))
        #expect(!partial.isSatisfied(by: try description([("unique", true)])))
        for filter in [
            ["b": ["$exists": true]], ["b": ["$exists": true, "$gt": 2]], ["c": ["$exists": true, "$gt": 1]],
        ]
            as [BSONValue]
        {
            #expect(!partial.isSatisfied(by: try description([("unique", true), ("partialFilterExpression", filter)])))
        }
        #expect(!expiring.isSatisfied(by: ["key": ["at": 1], "expireAfterSeconds": 61]))
        #expect(!expiring.isSatisfied(by: ["key": ["at": 1]]))
    }

    @Test("an index differs from a description over other fields, in another order or direction")
    func otherKeys() throws {
        let keys: [BSONDocument] = [
            ["b": .int32(-1), "a": .int32(1)], ["a": .int32(1), "b": .int32(1)], ["a": .int32(1)], [:],
            ["a": .int32(1), "b": .int32(-1), "c": .int32(1)], ["a": "hashed", "b": .int32(-1)], ["a": 1.5, "b": -1.0],
        ]
        for key in keys {
            #expect(!plain.hasSameKeys(as: try description([], key: key)), "\(key)")
            #expect(!plain.isSatisfied(by: try description([], key: key)), "\(key)")
        }
        #expect(!plain.isSatisfied(by: ["name": "a_b"]))
    }
}

@Suite("Comparison of definitions")
struct DefinitionComparisonTests {
    private static let schema: BSONDocument = [
        "$jsonSchema": [
            "required": ["a", "b"], "properties": ["a": ["minimum": 1, "enum": [1, "x"]]],
            "items": [["x": 1], ["y": 1]],
        ]
    ]

    @Test(
        "a definition equals one with other types of numbers, and another order of its fields and of what is a set",
        arguments: [
            [
                "$jsonSchema": [
                    "required": ["a", "b"], "properties": ["a": ["minimum": 1.0, "enum": [1, "x"]]],
                    "items": [["x": 1], ["y": 1]],
                ]
            ],
            [
                "$jsonSchema": [
                    "items": [["x": .int32(1)], ["y": 1]], "properties": ["a": ["enum": ["x", 1.0], "minimum": 1]],
                    "required": ["b", "a"],
                ]
            ],
        ] as [BSONDocument])
    func same(other: BSONDocument) {
        #expect(Self.schema.isSameDefinition(as: other))
        #expect(other.isSameDefinition(as: Self.schema))
    }

    @Test(
        "a definition differs from one with more, less or something else in it",
        arguments: [
            [:], ["$jsonSchema": [:]],
            [
                "$jsonSchema": [
                    "required": ["a"], "properties": ["a": ["minimum": 1, "enum": [1, "x"]]],
                    "items": [["x": 1], ["y": 1]],
                ]
            ],
            [
                "$jsonSchema": [
                    "required": ["a", "a"], "properties": ["a": ["minimum": 1, "enum": [1, "x"]]],
                    "items": [["x": 1], ["y": 1]],
                ]
            ],
            [
                "$jsonSchema": [
                    "required": ["a", "b"], "properties": ["a": ["minimum": 2, "enum": [1, "x"]]],
                    "items": [["x": 1], ["y": 1]],
                ]
            ],
            [
                "$jsonSchema": [
                    "required": ["a", "b"], "properties": ["a": ["minimum": 1, "enum": [1, "x"]]],
                    "items": [["y": 1], ["x": 1]],
                ]
            ],
            [
                "$jsonSchema": [
                    "required": ["a", "b"], "properties": ["a": ["minimum": true, "enum": [1, "x"]]],
                    "items": [["x": 1], ["y": 1]],
                ]
            ],
            [
                "$jsonSchema": [
                    "required": ["a", "b"], "properties": ["a": ["minimum": 1, "enum": [1, "x"]]],
                    "items": [["x": 1], ["y": 1]],
                    "title": "",
                ]
            ],
        ] as [BSONDocument])
    func other(other: BSONDocument) {
        #expect(!Self.schema.isSameDefinition(as: other))
        #expect(!other.isSameDefinition(as: Self.schema))
    }

    @Test("a key that occurs twice stands for one field only")
    func twice() throws {
        var twice: BSONDocument = ["a": 1]
        try twice.append("a", 1)
        #expect(!twice.isSameDefinition(as: ["a": 1, "b": 1]))
        #expect(!(["a": 1, "b": 1] as BSONDocument).isSameDefinition(as: twice))
    }
}
