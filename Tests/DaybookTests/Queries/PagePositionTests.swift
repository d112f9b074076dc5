@testable import Daybook
import DaybookBSON
import Foundation
import Testing

@Suite("PagePosition")
struct PagePositionTests {
    private static let up = SortColumn(path: "state.a", direction: 1)
    private static let down = SortColumn(path: "state.a", direction: -1)

    private func position(_ document: BSONDocument, _ columns: [SortColumn]) throws -> [BSONValue] {
        try document.withBorrowed { try PagePosition(of: $0, in: columns, kind: .snapshots(of: "x")).values }
    }

    @Test("a position is what the stored document has, and null for what it has not")
    func values() throws {
        let deep = SortColumn(path: "state.b.c", direction: 1)
        #expect(
            try position(["_id": "x/1", "state": ["a": 1, "b": ["c": "d"]]], [Self.up, deep, .id]) == [1, "d", "x/1"])
        for document in [
            ["_id": "x/1"], ["_id": "x/1", "state": "gone"], ["_id": "x/1", "state": ["a": .null, "b": 3]],
            ["_id": "x/1", "state": ["b": ["d": 1]]],
        ] as [BSONDocument] {
            #expect(try position(document, [Self.up, deep, .id]) == [.null, .null, "x/1"])
        }
        #expect(
            try position(["_id": "x/1", "state": ["a": .double(-.nan)]], [Self.up, .id]) == [.double(.nan), "x/1"])
    }

    @Test("a value that MongoDB sorts by another one, or does not compare, is refused with the place")
    func unsupported() throws {
        let deep = SortColumn(path: "state.a.b", direction: 1)
        for value in [
            [], [1], ["b"], .minKey, .maxKey, .undefined, .javascript("x"), .regex(try BSONRegex(pattern: "x")),
        ]
            as [BSONValue]
        {
            let error = #expect(throws: DaybookError.self) {
                try position(["_id": "x/1", "state": ["a": value]], [Self.up, .id])
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.aggregateID == "x/1")
            #expect(error?.message.contains("state.a") == true)
        }
        #expect(throws: DaybookError.self) { try position(["_id": "x/1", "state": ["a": [["b": 1]]]], [deep, .id]) }
    }

    @Test("a greater id comes after an id")
    func idOnly() {
        #expect(PagePosition(values: ["x/1"]).following(in: [.id]) == ["_id": ["$gt": "x/1"]])
    }

    @Test("after a value comes a greater one, one of a later kind, or an equal one with a greater id")
    func ascending() {
        let following = PagePosition(values: [.timestamp(BSONTimestamp(seconds: 1, increment: 2)), "x/1"]).following(
            in: [
                Self.up, .id,
            ])
        let value = BSONValue.timestamp(BSONTimestamp(seconds: 1, increment: 2))
        #expect(
            following == [
                "$or": [["state.a": ["$gt": value]], ["$and": [["state.a": ["$eq": value]], ["_id": ["$gt": "x/1"]]]]]
            ])
        let text = PagePosition(values: ["t", "x/1"]).following(in: [Self.up, .id])
        #expect(
            text == [
                "$or": [
                    ["state.a": ["$gt": "t"]],
                    ["state.a": ["$type": ["object", "binData", "objectId", "bool", "date", "timestamp"]]],
                    ["$and": [["state.a": ["$eq": "t"]], ["_id": ["$gt": "x/1"]]]],
                ]
            ])
    }

    @Test("after a value, descending, come smaller ones, those of earlier kinds, and at last those without")
    func descending() {
        #expect(
            PagePosition(values: [5, "x/1"]).following(in: [Self.down, .id]) == [
                "$or": [
                    ["state.a": ["$lt": 5]], ["state.a": ["$eq": .double(.nan)]], ["state.a": ["$eq": .null]],
                    ["$and": [["state.a": ["$eq": 5]], ["_id": ["$gt": "x/1"]]]],
                ]
            ])
        #expect(
            PagePosition(values: [.null, "x/1"]).following(in: [Self.down, .id]) == [
                "$and": [["state.a": ["$eq": .null]], ["_id": ["$gt": "x/1"]]]
            ])
    }

    @Test(
        "the filter and the place are conditions side by side, each as it would be alone, so that an index serves either"
    )
    func besideFilter() {
        let position = PagePosition(values: ["x/1"])
        var prepared = PreparedQuery(filter: [:], columns: [.id])
        #expect(prepared.filter(after: nil) == [:])
        #expect(prepared.filter(after: position) == ["_id": ["$gt": "x/1"]])
        prepared.filter = ["state.status": ["$eq": "sent"]]
        #expect(prepared.filter(after: nil) == prepared.filter)
        #expect(
            prepared.filter(after: position) == ["$and": [["state.status": ["$eq": "sent"]], ["_id": ["$gt": "x/1"]]]])
        // A filter on the id stays beside the place.
        prepared.filter = ["_id": ["$lt": "x/5"]]
        #expect(prepared.filter(after: position) == ["$and": [["_id": ["$lt": "x/5"]], ["_id": ["$gt": "x/1"]]]])
    }
}
