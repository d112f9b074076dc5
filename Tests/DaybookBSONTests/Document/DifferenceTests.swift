import DaybookBSON
import TestSupport
import Testing

@Suite("Differences of documents")
struct DocumentDifferenceTests {
    private func difference(_ path: String, _ before: BSONValue?, _ after: BSONValue?) -> FieldDifference {
        FieldDifference(path: path, before: before, after: after)
    }

    @Test("each place that differs has its path and both values")
    func paths() {
        let one: BSONDocument = ["same": 1, "a": ["b": [["c": "x"], 2]], "gone": nil, "kind": [:]]
        let other: BSONDocument = ["same": 1, "a": ["b": [["c": "y"], 2]], "kind": [], "new": true]
        #expect(
            one.differences(to: other) == [
                difference("a.b.0.c", "x", "y"), difference("gone", .null, nil), difference("kind", [:], []),
                difference("new", nil, true),
            ])
    }

    @Test("arrays of other lengths differ as wholes, unless their elements are asked for")
    func arrays() {
        let (one, other): (BSONDocument, BSONDocument) = (["a": [1, 2]], ["a": [1, 3, 4]])
        #expect(one.differences(to: other) == [difference("a", [1, 2], [1, 3, 4])])
        #expect(
            one.differences(to: other, arraysByElement: true) == [difference("a.1", 2, 3), difference("a.2", nil, 4)])
    }

    @Test("order is a difference, of the document that has it")
    func order() {
        let (one, other): (BSONDocument, BSONDocument) = (["x": ["a": 1, "b": 2]], ["x": ["b": 2, "a": 1]])
        #expect(one.differences(to: other) == [difference("x", ["a": 1, "b": 2], ["b": 2, "a": 1])])
    }

    @Test("types, repeated keys and spellings of a text are different")
    func exactness() {
        #expect(
            (["a": .int32(1)] as BSONDocument).differences(to: ["a": .int64(1)]) == [
                difference("a", .int32(1), .int64(1))
            ])
        #expect((["a": 1, "a": 2] as BSONDocument).differences(to: ["a": 1, "a": 3]) == [difference("a", 2, 3)])
        #expect((["a": 1, "a": 2] as BSONDocument).differences(to: ["a": 1]) == [difference("a", 2, nil)])
        #expect((["\u{E9}": 1] as BSONDocument).differences(to: ["e\u{301}": 1]).count == 2)
    }

    @Test("two documents have no difference exactly when their bytes are equal")
    func empty() throws {
        var random = RandomBSON(seed: 11)
        for _ in 0..<300 {
            let (one, other) = (try random.document(), try random.document())
            #expect(one.differences(to: one).isEmpty)
            #expect(one.differences(to: other).isEmpty == (one == other))
        }
    }
}
