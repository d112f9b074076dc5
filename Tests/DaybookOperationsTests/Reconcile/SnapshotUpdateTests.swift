@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import TestSupport
import Testing

@Suite("The least that puts a snapshot right")
struct SnapshotUpdateTests {
    /// Checks that the update leads to the expected bytes, in whatever order a server adds fields; false when there is
    /// no update.
    @discardableResult
    private func check(_ stored: BSONDocument, _ expected: BSONDocument, _ comment: Comment = "") throws -> Bool {
        let difference = SnapshotDifference(stored: stored, expected: expected)
        #expect(difference.places.isEmpty == (stored.withoutLock == expected), comment)
        guard let update = SnapshotUpdate(from: stored, to: expected).document else { return false }
        for putsNumbersFirst in [true, false] {
            let result = try UpdateSimulation(putsNumbersFirst: putsNumbersFirst).apply(update, to: stored)
            // An update without operations says that it cannot be told apart by values; whoever repairs replaces then.
            if update != BSONDocument() {
                #expect(result.withoutLock == expected, "\(comment) \(stored) \(expected) \(update)")
                #expect(result["lock"] == stored["lock"])
            }
        }
        return true
    }

    private func update(_ stored: BSONDocument, _ expected: BSONDocument) throws -> BSONDocument? {
        try check(stored, expected)
        return SnapshotUpdate(from: stored, to: expected).document
    }

    @Test("is the field alone that was edited, removed or added")
    func fields() throws {
        let expected: BSONDocument = [
            "_id": "a/1", "version": .int64(3), "state": ["name": "n", "tags": ["a", "b"], "size": 4],
        ]
        func stored(_ state: BSONValue) -> BSONDocument { ["_id": "a/1", "version": .int64(3), "state": state] }
        #expect(
            try update(stored(["name": "m", "tags": ["a", "b"], "size": 4]), expected) == ["$set": ["state.name": "n"]])
        #expect(
            try update(stored(["name": "n", "tags": ["a", "x"], "size": 4]), expected) == [
                "$set": ["state.tags.1": "b"]
            ])
        #expect(try update(stored(["name": "n", "tags": ["a", "b"]]), expected) == ["$set": ["state.size": 4]])
        #expect(
            try update(stored(["note": 1, "name": "n", "tags": ["a", "b"], "size": 4, "x": nil]), expected)
                == ["$unset": ["state.note": "", "state.x": ""]])
        #expect(
            try update(stored(["name": "n", "tags": ["a", "b"], "size": .int32(4)]), expected) == [
                "$set": ["state.size": 4]
            ])
        #expect(try update(stored("gone"), expected) == ["$set": ["state": expected["state"] ?? .null]])
    }

    @Test("is the smallest part that encloses a field which would come to another place")
    func order() throws {
        let expected: BSONDocument = ["_id": "a/1", "state": ["a": 1, "b": ["x": 1, "y": 2], "c": 3]]
        // Removed from the middle, it would come back at the end.
        #expect(
            try update(["_id": "a/1", "state": ["a": 1, "b": ["y": 2], "c": 3]], expected)
                == ["$set": ["state.b": ["x": 1, "y": 2]]])
        #expect(
            try update(["_id": "a/1", "state": ["a": 1, "b": ["y": 2, "x": 1], "c": 3]], expected)
                == ["$set": ["state.b": ["x": 1, "y": 2]]])
        #expect(
            try update(["_id": "a/1", "state": ["a": 1, "c": 3]], expected) == [
                "$set": ["state": expected["state"] ?? .null]
            ])
        #expect(try update(["_id": "a/1"], expected) == ["$set": ["state": expected["state"] ?? .null]])
        // Nothing encloses the document itself.
        #expect(try update(["state": expected["state"] ?? .null, "_id": "a/1"], expected) == nil)
        // New fields come in the order of their names.
        #expect(
            try update(["_id": "a/1", "state": ["a": 1]], expected)
                == ["$set": ["state.b": ["x": 1, "y": 2], "state.c": 3]])
        let other: BSONDocument = ["_id": "a/1", "state": ["a": 1, "c": 3, "b": 2]]
        #expect(try update(["_id": "a/1", "state": ["a": 1]], other) == ["$set": ["state": ["a": 1, "c": 3, "b": 2]]])
    }

    @Test(
        "is what encloses a key that cannot stand in a path",
        arguments: ["a.b", "$a", "", ".", "a.", "$", "..", "$set.x"])
    func keys(_ key: String) throws {
        let expected: BSONDocument = ["_id": "a/1", "state": ["books": ["k": 1], "size": 1]]
        let books = try BSONDocument(fields: [("k", 1), (key, 2)])
        let stored: BSONDocument = ["_id": "a/1", "state": ["books": .document(books), "size": 2]]
        #expect(try update(stored, expected) == ["$set": ["state.books": ["k": 1], "state.size": 1]])
        #expect(
            try update(expected, stored)
                == ["$set": ["state.books": .document(books), "state.size": 2]])
        // At the top nothing encloses it.
        #expect(try update(BSONDocument(fields: [("_id", "a/1"), ("a", 1), (key, 2)]), ["_id": "a/1", "a": 1]) == nil)
    }

    @Test("is the whole of what has a key twice, or of an array of another length")
    func wholes() throws {
        let expected: BSONDocument = ["_id": "a/1", "state": ["a": 1, "list": [1, 2]]]
        #expect(
            try update(["_id": "a/1", "state": ["a": 1, "list": [1, 2], "a": 1]], expected)
                == ["$set": ["state": ["a": 1, "list": [1, 2]]]])
        #expect(
            try update(["_id": "a/1", "state": ["a": 1, "list": [1]]], expected) == ["$set": ["state.list": [1, 2]]])
        #expect(
            try update(["_id": "a/1", "state": ["a": 1, "list": [:]]], expected) == ["$set": ["state.list": [1, 2]]])
        #expect(try update(["_id": "a/1", "_id": "a/1", "state": expected["state"] ?? .null], expected) == nil)
    }

    @Test("says nothing of a guard's field, and leaves it")
    func lock() throws {
        let expected: BSONDocument = ["_id": "a/1", "state": ["a": 1]]
        #expect(
            try update(["_id": "a/1", "state": ["a": 2], "lock": 7], expected) == ["$set": ["state.a": 1]])
        #expect(
            SnapshotDifference(stored: ["_id": "a/1", "state": ["a": 1], "lock": 7], expected: expected).places.isEmpty)
        // Inside a state it is a field like any other.
        #expect(
            try update(["_id": "a/1", "state": ["a": 1, "lock": 7]], expected) == ["$unset": ["state.lock": ""]])
    }

    @Test("leads from any document to any other, to the byte")
    func randomPairs() throws {
        var random = RandomBSON(seed: 601)
        for _ in 0..<400 {
            let id: BSONDocument = ["_id": "a/1"]
            let (stored, expected) = (
                try id.with("state", .document(random.document())), try id.with("state", .document(random.document()))
            )
            #expect(try check(stored, expected), "the state can always be set as a whole")
        }
    }

    @Test("leads from whatever somebody did to a snapshot back to what it was, to the byte")
    func randomEdits() throws {
        var random = RandomBSON(seed: 602)
        var smaller = 0
        for number in 0..<1_500 {
            let state = try random.document(depth: 4)
            let expected = try (["_id": "a/1", "version": .int64(2)] as BSONDocument).with("state", .document(state))
            var edited = state
            for _ in 0...random.number(0...2) { edited = try random.edit(edited) }
            let stored = try (["_id": "a/1", "version": .int64(2)] as BSONDocument).with("state", .document(edited))
            #expect(try check(stored, expected, "\(number)"))
            let update = SnapshotUpdate(from: stored, to: expected).document
            if let update, update.bytes.count < expected.bytes.count { smaller += 1 }
        }
        // What is proven is about the least, so it must not be the whole every time.
        #expect(smaller > 700)
    }
}

extension BSONDocument {
    fileprivate func with(_ key: String, _ value: BSONValue) throws -> BSONDocument {
        var copy = self
        try copy.append(key, value)
        return copy
    }
}

extension RandomBSON {
    /// What somebody in a shell may do to a document: a value changed, a field removed, added or moved, here or further
    /// in.
    fileprivate mutating func edit(_ document: BSONDocument) throws -> BSONDocument {
        var fields = document.fields
        let index = fields.isEmpty ? 0 : number(0...(fields.count - 1))
        let choice = fields.isEmpty ? 4 : number(0...7)
        switch choice {
        case 0: fields[index].value = try value(depth: 2)
        case 1: fields.remove(at: index)
        case 2: fields.swapAt(index, number(0...(fields.count - 1)))
        case 3: fields.insert((text(upTo: 4, isKey: true), try value(depth: 1)), at: index)
        case 4: fields.append((["note", "7", "10", "$x", "a.b", ""][number(0...5)], try value(depth: 1)))
        default:
            if case .document(let inner) = fields[index].value {
                fields[index].value = .document(try edit(inner))
            } else if case .array(var elements) = fields[index].value, !elements.isEmpty {
                let place = number(0...(elements.count - 1))
                if case .document(let inner) = elements[place] {
                    elements[place] = .document(try edit(inner))
                } else {
                    elements[place] = try value(depth: 1)
                }
                fields[index].value = .array(elements)
            } else {
                fields[index].value = .int64(integer())
            }
        }
        return try BSONDocument(fields: fields)
    }
}
