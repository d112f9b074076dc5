@testable import Daybook
import DaybookBSON
import Testing

@Suite("StateExcerpt")
struct StateExcerptTests {
    private let state: BSONDocument = [
        "a": 1, "b": ["c": 2, "d": ["e": 3, "f": .null], "g": []], "bc": 4,
        "list": [["x": 1, "y": 2], 5, ["y": 3], [["x": 4]]],
    ]

    private func expect(_ names: [String], _ expected: BSONDocument) throws {
        #expect(try StateExcerpt(of: names).applied(to: state) == expected)
    }

    @Test("a folded state gives the fields that the server would have given, in its order")
    func applied() throws {
        try expect(["a"], ["a": 1])
        try expect(["bc", "a"], ["a": 1, "bc": 4])
        try expect(["b.c"], ["b": ["c": 2]])
        try expect(["b.d.f", "b.c"], ["b": ["c": 2, "d": ["f": .null]]])
        try expect(["b.d.none"], ["b": ["d": [:]]])
        try expect(["a.none", "none"], [:])
        try expect(["list.x"], ["list": [["x": 1], [:], [["x": 4]]]])
    }

    @Test("a field inside another that is asked for is not asked for twice")
    func overlapping() throws {
        let excerpt = try StateExcerpt(of: ["b.c", "b", "a", "b.d.e", "a", "bc"])
        #expect(try excerpt.projection == ["version": 1, "stateSchema": 1, "state.b": 1, "state.a": 1, "state.bc": 1])
        try expect(["b.d.e", "b.d"], ["b": ["d": ["e": 3, "f": .null]]])
    }

    @Test("names are compared and taken apart by their bytes, as the server does it")
    func bytes() throws {
        // The same text to Swift; and a dot before a combining mark, which to Swift is no dot.
        let state: BSONDocument = ["x\u{897}\u{334}": 1, "x\u{334}\u{897}": 2, "b": ["\u{301}c": 3, "d": 4]]
        #expect(try StateExcerpt(of: ["x\u{897}\u{334}", "x\u{334}\u{897}"]).names.count == 2)
        #expect(try StateExcerpt(of: ["x\u{334}\u{897}"]).applied(to: state) == ["x\u{334}\u{897}": 2])
        #expect(try StateExcerpt(of: ["b.\u{301}c"]).applied(to: state) == ["b": ["\u{301}c": 3]])
    }

    @Test("no field at all is refused")
    func none() {
        let error = #expect(throws: DaybookError.self) { try StateExcerpt(of: []) }
        #expect(error?.code == .invalidArgument)
    }
}
