internal import Daybook
internal import DaybookBSON

/// A snapshot as it was read, and what identifies it.
struct FoundSnapshot: Sendable, Hashable {
    let document: BSONDocument
    /// Nil for what is not what Daybook writes; it is compared all the same.
    let version: Int64?
    let stateSchema: Int32?

    init(_ document: BSONDocument) {
        self.document = document
        (version, stateSchema) = document.withBorrowed { document in
            let snapshot = try? BorrowedSnapshot(document)
            return (snapshot?.version, snapshot?.stateSchema)
        }
    }

    /// Matches this very snapshot, for a compare-and-set on its version and digest.
    var selector: BSONDocument {
        BorrowedSnapshot.selector(
            id: ["$eq": document[SnapshotKey.id] ?? .null], version: document[SnapshotKey.version],
            digest: document[SnapshotKey.digest])
    }
}

extension BSONDocument {
    /// A snapshot without the field that a transaction's guard leaves in it, which says nothing.
    var withoutLock: BSONDocument {
        guard self[SnapshotKey.lock] != nil else { return self }
        var rest = BSONDocument()
        for (key, value) in fields where key != SnapshotKey.lock {
            // The fields come from a document that could be read.
            try? rest.append(key, value)
        }
        return rest
    }
}
