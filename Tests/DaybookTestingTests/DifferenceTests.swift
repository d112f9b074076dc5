import Daybook
import DaybookBSON
@testable import DaybookTesting
import Testing

@Suite("Differences")
struct DifferenceTests {
    private func lines(_ expected: BSONDocument, _ actual: BSONDocument) -> [String] {
        DocumentDifference(expected, actual).lines()
    }

    @Test("equal documents have no differences")
    func none() {
        #expect(lines([:], [:]) == [])
        #expect(lines(["a": ["b": 1]], ["a": ["b": 1]]) == [])
    }

    @Test("each difference has its path, inside documents and arrays")
    func paths() {
        #expect(
            lines(
                ["a": ["b": [1, ["c": "x"], 3]], "gone": nil, "kind": [:]],
                ["a": ["b": [1, ["c": "y"]]], "kind": [], "new": true]) == [
                    "a.b.1.c: expected \"x\", got \"y\"", "a.b.2: expected 3, got nothing",
                    "gone: expected null, got nothing",
                    "kind: expected {}, got [  ]", "new: expected nothing, got true",
                ])
    }

    @Test("values that read the same show their types")
    func types() {
        #expect(
            lines(["a": .int32(1)], ["a": .int64(1)])
                == ["a: expected { \"$numberInt\" : \"1\" }, got { \"$numberLong\" : \"1\" }"])
    }

    @Test("the order of fields is a difference, since it is one of the bytes")
    func order() {
        #expect(lines(["a": 1, "b": 2], ["b": 2, "a": 1]) == ["(all): expected the order a, b, got b, a"])
        #expect(lines(["x": ["a": 1, "b": 2]], ["x": ["b": 2, "a": 1]]) == ["x: expected the order a, b, got b, a"])
    }

    @Test("a key that occurs several times is compared in order")
    func twice() {
        #expect(lines(["a": 1, "a": 2], ["a": 1, "a": 3]) == ["a: expected 2, got 3"])
        #expect(lines(["a": 1, "a": 2], ["a": 1]) == ["a: expected 2, got nothing"])
    }

    @Test("keys that Swift takes for equal, and MongoDB does not, are two")
    func normalization() {
        #expect(lines(["\u{E9}": 1], ["e\u{301}": 1]).count == 2)
    }

    @Test("many differences are counted, and long values cut")
    func long() throws {
        var document = BSONDocument()
        for number in 0..<25 { try document.append("k\(number)", .string(String(repeating: "x", count: 500))) }
        let lines = lines(document, [:])
        #expect(lines.count == 21)
        #expect(lines.last == "and 5 more")
        #expect(lines.allSatisfy { $0.count < 260 })
    }

    @Test("events that were inserted or left out do not make the others differ")
    func events() {
        func event(_ type: String, _ number: Int64) -> EventContent {
            EventContent(type: type, schema: 1, data: ["n": .int64(number)])
        }
        let (a, b, c) = (event("a", 1), event("b", 2), event("c", 3))
        #expect(
            EventDifference([a, b, c], [a, c]).lines == [
                "  1 a { \"n\" : 1 }", "- 2 b { \"n\" : 2 }", "  2 c { \"n\" : 3 }",
            ])
        #expect(
            EventDifference([c], [a, b, c]).lines == [
                "+ 1 a { \"n\" : 1 }", "+ 2 b { \"n\" : 2 }", "  3 c { \"n\" : 3 }",
            ])
        #expect(EventDifference([a], []).lines == ["- 1 a { \"n\" : 1 }"])
        #expect(EventDifference([], []).lines == ["  no events"])
        #expect(
            EventDifference([a, b], [a, event("b", 4)]).lines == [
                "  1 a { \"n\" : 1 }", "- 2 b { \"n\" : 2 }", "+ 2 b { \"n\" : 4 }", "    n: expected 2, got 4",
            ])
        #expect(
            EventDifference([a], [EventContent(type: "a", schema: 2, data: a.data)]).lines == [
                "- 1 a { \"n\" : 1 }", "+ 1 a { \"n\" : 1 }", "    (schema): expected 1, got 2",
            ])
    }
}
