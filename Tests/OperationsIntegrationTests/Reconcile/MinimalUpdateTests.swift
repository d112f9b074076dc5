@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import IntegrationSupport
import Testing

/// Hand edits of a state, and the update that undoes each.
@Suite("The write that undoes a hand edit", .serialized, .timeLimit(.minutes(2)))
struct MinimalUpdateTests {
    private static let contents = Shelf.Contents(
        name: "top", counts: ["a.b": 1, "$x": 2, "plain": 3],
        boxes: [
            .init(name: "one", sizes: [1, 2, 3], lid: .init(color: "red", weight: 0.5)),
            .init(name: "two", sizes: [], lid: .init(color: "blue", weight: 1)),
        ], note: "n")

    private struct Edit: Sendable {
        var what: String
        /// Puts it into the state.
        var change: @Sendable (inout Editable) throws -> Void
        /// The paths that are set to what the journal says.
        var set: [String] = []
        var unset: [String] = []
    }

    private static let edits: [Edit] = [
        Edit(what: "a field changed", change: { try $0.put("contents.name", "bottom") }, set: ["state.contents.name"]),
        Edit(what: "a number of another type", change: { try $0.put("times", .int32(1)) }, set: ["state.times"]),
        Edit(what: "a double for an integer", change: { try $0.put("times", .double(1)) }, set: ["state.times"]),
        Edit(what: "NaN for a number", change: { try $0.put("times", .double(.nan)) }, set: ["state.times"]),
        Edit(
            what: "an element of an array in an array", change: { try $0.put("contents.boxes.0.sizes.1", 9) },
            set: ["state.contents.boxes.0.sizes.1"]),
        Edit(
            what: "two boxes",
            change: {
                try $0.put("contents.boxes.0.lid.color", "green")
                try $0.put("contents.boxes.1.lid.weight", .double(2))
            }, set: ["state.contents.boxes.0.lid.color", "state.contents.boxes.1.lid.weight"]),
        Edit(
            what: "an array cut short", change: { try $0.put("contents.boxes.0.sizes", [1]) },
            set: ["state.contents.boxes.0.sizes"]),
        Edit(what: "an array emptied", change: { try $0.put("contents.boxes", []) }, set: ["state.contents.boxes"]),
        Edit(
            what: "an array made a document", change: { try $0.put("contents.boxes", [:]) },
            set: ["state.contents.boxes"]),
        Edit(what: "a field added", change: { try $0.put("contents.extra", "x") }, unset: ["state.contents.extra"]),
        Edit(what: "a field set to null", change: { try $0.put("contents.note", .null) }, set: ["state.contents.note"]),
        Edit(what: "the last field removed", change: { try $0.remove("contents.note") }, set: ["state.contents.note"]),
        Edit(
            what: "the last field of a box removed", change: { try $0.remove("contents.boxes.1.lid.weight") },
            set: ["state.contents.boxes.1.lid.weight"]),
        Edit(
            what: "a field in the middle removed", change: { try $0.remove("contents.boxes.0.sizes") },
            set: ["state.contents.boxes.0"]),
        Edit(
            what: "fields reordered",
            change: { try $0.put("contents.boxes.0.lid", ["weight": .double(0.5), "color": "red"]) },
            set: ["state.contents.boxes.0.lid"]),
        Edit(
            what: "a key that has a dot, and one that has a dollar",
            change: { try $0.put("contents.counts", ["$x": 2, "a.b": 7, "plain": 3]) },
            set: ["state.contents.counts"]),
        Edit(
            what: "an empty key", change: { try $0.put("contents.counts", ["": 1, "$x": 2, "a.b": 1, "plain": 3]) },
            set: ["state.contents.counts"]),
        Edit(what: "the state made a text", change: { $0 = Editable(value: "gone") }, set: ["state"]),
        Edit(
            what: "one changed, one added, one removed",
            change: {
                try $0.put("contents.name", "bottom")
                try $0.put("contents.boxes.0.lid.more", [1])
                try $0.remove("times")
            }, set: ["state.contents.name", "state.times"], unset: ["state.contents.boxes.0.lid.more"]),
    ]

    @Test("changes those fields alone, or what encloses them where order asks for it, and leaves the bytes of before")
    func edits() async throws {
        try await ReconcileFixture.withStore(for: [Shelf.self]) { store in
            try await store.repository(Shelf.self).execute(.arrange(Self.contents), on: "s")
            let expected = try #require(try await store.snapshot("s", Shelf.self))
            try await ReconcileFixture.withWatched(on: store, for: [Shelf.self]) { watched, proxy in
                for edit in Self.edits {
                    var state = Editable(value: try #require(expected["state"]))
                    try edit.change(&state)
                    try await store.raw.put(expected.setting("state", to: state.value), into: "snapshots.shelf")
                    var dry = ReconcileOptions()
                    dry.isDryRun = true
                    let update = try self.update(edit, to: expected)
                    #expect(try await watched.patch(dry).findings.first?.repair?.write == update, "\(edit.what)")
                    proxy.forget()
                    let report = try await watched.patch()
                    #expect(report.findings.map { $0.repair?.action } == [.update], "\(edit.what)")
                    #expect(
                        proxy.snapshotWrites.map { $0.statement.value(at: "u") } == [.document(update)], "\(edit.what)")
                    #expect(try await store.snapshot("s", Shelf.self) == expected, "\(edit.what)")
                }
                #expect(try await watched.verify().isClean)
            }
        }
    }

    @Test("replaces the whole of a snapshot whose own fields were moved")
    func moved() async throws {
        try await ReconcileFixture.withStore(for: [Shelf.self]) { store in
            try await store.repository(Shelf.self).execute(.arrange(Self.contents), on: "s")
            let expected = try #require(try await store.snapshot("s", Shelf.self))
            let moved = try expected.setting("state", to: nil).setting("state", to: expected["state"])
            #expect(moved != expected)
            try await store.raw.put(moved, into: "snapshots.shelf")
            #expect(try await store.patch().findings.map { $0.repair?.action } == [.replace])
            #expect(try await store.snapshot("s", Shelf.self) == expected)
        }
    }

    private func update(_ edit: Edit, to expected: BSONDocument) throws -> BSONDocument {
        var (update, set, unset) = (BSONDocument(), BSONDocument(), BSONDocument())
        for path in edit.set {
            try set.append(path, try #require(Editable(value: .document(expected)).value(at: path)))
        }
        for path in edit.unset { try unset.append(path, "") }
        if !edit.set.isEmpty { try update.append("$set", .document(set)) }
        if !edit.unset.isEmpty { try update.append("$unset", .document(unset)) }
        return update
    }
}

/// A value that a test changes at dotted paths, an array's elements by their index.
private struct Editable {
    var value: BSONValue

    struct NoSuchPath: Error { var path: String }

    func value(at path: String) -> BSONValue? {
        guard let (key, rest) = Self.split(path) else { return nil }
        let next: BSONValue? =
            switch value {
            case .document(let document): document[key]
            case .array(let elements): Int(key).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            default: nil
            }
        guard let rest else { return next }
        return next.flatMap { Editable(value: $0).value(at: rest) }
    }

    /// Keeps the place of a field that is there, and adds a new one at the end.
    mutating func put(_ path: String, _ new: BSONValue) throws { try change(path, to: new) }

    mutating func remove(_ path: String) throws { try change(path, to: nil) }

    private mutating func change(_ path: String, to new: BSONValue?) throws {
        guard let (key, rest) = Self.split(path) else { throw NoSuchPath(path: path) }
        var changed = new
        if let rest {
            guard let old = value(at: key) else { throw NoSuchPath(path: path) }
            var inner = Editable(value: old)
            try inner.change(rest, to: new)
            changed = inner.value
        }
        switch value {
        case .document(let document): value = .document(try document.setting(key, to: changed))
        case .array(var elements):
            guard let index = Int(key), elements.indices.contains(index), let changed else {
                throw NoSuchPath(path: path)
            }
            elements[index] = changed
            value = .array(elements)
        default: throw NoSuchPath(path: path)
        }
    }

    private static func split(_ path: String) -> (String, String?)? {
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard let first = parts.first else { return nil }
        return (first, parts.count > 1 ? parts[1] : nil)
    }
}
