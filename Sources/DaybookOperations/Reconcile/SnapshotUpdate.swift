internal import Daybook
internal import DaybookBSON

/// The least update that makes a stored snapshot the one that should be there.
struct SnapshotUpdate {
    /// A transaction's guard writes it beside the snapshot; it says nothing, and stays as it is.
    private static let ignored: Set<String> = [SnapshotKey.lock]

    /// With `$set` and `$unset`, it leaves exactly the expected bytes; nil when the whole document has to be replaced.
    let document: BSONDocument?

    init(from stored: BSONDocument, to expected: BSONDocument) {
        var changes = Changes()
        let canBeUpdated = Self.compare(stored, expected, at: "", &changes)
        // The id is what it was found by; an update without a change is none.
        let isUpdate = canBeUpdated && !changes.set.contains { $0.path == "_id" }
        document = isUpdate ? changes.document : nil
    }

    private struct Changes {
        var set: [(path: String, value: BSONValue)] = []
        var unset: [String] = []

        /// https://www.mongodb.com/docs/manual/reference/operator/update/set/
        var document: BSONDocument? {
            var update = BSONDocument()
            var set = BSONDocument()
            var unset = BSONDocument()
            do {
                for (path, value) in self.set { try set.append(path, value) }
                for path in self.unset { try unset.append(path, "") }
                if !self.set.isEmpty { try update.append("$set", .document(set)) }
                if !self.unset.isEmpty { try update.append("$unset", .document(unset)) }
            } catch {
                return nil
            }
            return update
        }
    }

    /// Compares two documents at one path, and collects what changes the one into the other.
    ///
    /// - Returns: Whether changing the fields one by one leads to the expected bytes: fields that are set keep their
    ///   places, and new ones come last. Where that is another order, the enclosing value has to be set as a whole.
    private static func compare(
        _ stored: BSONDocument, _ expected: BSONDocument, at path: String, _ changes: inout Changes
    )
        -> Bool
    {
        let isRoot = path.isEmpty
        let old = stored.fields.filter { !isRoot || !ignored.contains($0.key) }
        let new = expected.fields
        let oldByKey = Dictionary(old.map { (Key($0.key), $0.value) }) { first, _ in first }
        let newByKey = Dictionary(new.map { (Key($0.key), $0.value) }) { first, _ in first }
        var isExact =
            oldByKey.count == old.count && newByKey.count == new.count
            && (old + new).allSatisfy { $0.key.isPathComponent }

        var mine = Changes()
        for (key, value) in new {
            let place = isRoot ? key : "\(path).\(key)"
            guard let found = oldByKey[Key(key)] else {
                mine.set.append((place, value))
                continue
            }
            compare(found, value, at: place, &mine)
        }
        for (key, _) in old where newByKey[Key(key)] == nil {
            mine.unset.append(isRoot ? key : "\(path).\(key)")
        }
        let kept = old.map { Key($0.key) }.filter { newByKey[$0] != nil }
        let added = new.map { Key($0.key) }.filter { oldByKey[$0] == nil }
        // The server adds new fields in the order of their names. Where a name is a number, the order is not known.
        let arrived = added.sorted()
        if added.count > 1, added.contains(where: { $0.isNumber }) { isExact = false }
        if kept + arrived != new.map({ Key($0.key) }) {
            isExact = false
        }
        changes.set += mine.set
        changes.unset += mine.unset
        return isExact
    }

    private static func compare(_ stored: BSONValue, _ expected: BSONValue, at path: String, _ changes: inout Changes) {
        guard stored != expected else { return }
        switch (stored, expected) {
        case (.document(let old), .document(let new)):
            var inner = Changes()
            if compare(old, new, at: path, &inner) {
                changes.set += inner.set
                changes.unset += inner.unset
            } else {
                changes.set.append((path, expected))
            }
        case (.array(let old), .array(let new)) where old.count == new.count && !old.isEmpty:
            var inner = Changes()
            for (index, (old, new)) in zip(old, new).enumerated() { compare(old, new, at: "\(path).\(index)", &inner) }
            if inner.set.count + inner.unset.count <= old.count {
                changes.set += inner.set
                changes.unset += inner.unset
            } else {
                changes.set.append((path, expected))
            }
        default:
            changes.set.append((path, expected))
        }
    }
}

/// A key, by its bytes.
private struct Key: Hashable, Comparable {
    let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    var isNumber: Bool { bytes.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }

    static func < (left: Key, right: Key) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

extension String {
    /// Whether it can stand in a path of an update: MongoDB reads dots and leading dollars otherwise.
    fileprivate var isPathComponent: Bool {
        !isEmpty && utf8.first != UInt8(ascii: "$") && !utf8.contains(UInt8(ascii: "."))
    }
}
