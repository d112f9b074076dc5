internal import DaybookBSON
internal import DaybookMongo

/// A snapshot to be written, and the condition under which it may replace the stored one.
final class SnapshotWrite: Sendable {
    /// Which stored snapshot it replaces, and when it is written.
    enum Condition: Sendable {
        /// Only the snapshot that it is based on, within the commit.
        case unchanged
        /// One with neither a newer version nor a higher `stateSchema`, after the commit.
        case newer
    }

    let snapshot: StoredSnapshot
    let kind: any AggregateKind
    let condition: Condition
    let basis: SnapshotBasis
    /// The snapshot that is stored if a rival committed while the aggregate was loaded.
    private let rival: BorrowedSnapshot.Identity?
    /// Whether a snapshot of the state is kept; if not, the stored one is deleted.
    let isKept: Bool
    /// The snapshot's digest, where it is certain that this snapshot is sent, and not a later version instead.
    private let digest: [UInt8]?

    /// - Throws: ``DaybookError/Code/tooLarge`` when the document exceeds MongoDB's limit.
    init(
        _ snapshot: StoredSnapshot, of kind: any AggregateKind, where condition: Condition = .newer,
        basis: SnapshotBasis = .read(nil), rival: BorrowedSnapshot.Identity? = nil, isKept: Bool = true
    ) throws {
        self.snapshot = snapshot
        self.kind = kind
        self.condition = condition
        self.basis = basis
        self.rival = rival
        self.isKept = isKept
        digest = condition == .unchanged ? snapshot.digest : nil
        guard isKept, byteCount > maximumDocumentBytes else { return }
        try BSONDocument.check(document(), "the snapshot at version \(version)", aggregateID, version)
    }

    var aggregateID: AggregateID { snapshot.aggregateID }
    var version: Int64 { snapshot.version }
    var stateSchema: Int32 { snapshot.stateSchema }
    var collection: Namespace { kind.snapshots }
    /// Whether a later commit may delete the snapshot: an insert that arrives late may then follow the deletion.
    var mayBeDeleted: Bool { kind.mayLoseSnapshot && isKept }
    /// The size of the encoded state in it.
    var stateBytes: Int { snapshot.state.bytes.count }
    /// The size of the document, or a little more.
    var byteCount: Int { stateBytes + aggregateID.rawValue.utf8.count + 320 }

    func document() throws -> BSONDocument { try snapshot.document(digest: digest ?? snapshot.digest) }

    /// The identity for a later compare-and-set on this snapshot.
    var identity: BorrowedSnapshot.Identity { snapshot.identity(digest: digest ?? snapshot.digest) }

    /// Whether the stored state has a newer schema: it belongs to a newer deployment, whose states this one cannot
    /// make.
    func isOlder(than stored: BorrowedSnapshot.Identity) -> Bool {
        (stored.stateSchema ?? 0) > stateSchema
    }

    var selector: BSONDocument { [SnapshotKey.id: .string(aggregateID.rawValue)] }

    /// Matches the stored snapshot if it is as it was loaded, or as a rival's commit has left it. Nil when no snapshot
    /// was stored that could be matched.
    private var unchangedSelector: BSONDocument? {
        guard let stored = basis.identity, !isOlder(than: stored) else { return nil }
        let id = BSONValue.string(aggregateID.rawValue)
        guard let rival else { return stored.selector(id: id) }
        return [SnapshotKey.id: id, "$or": [.document(stored.selector(id: id)), .document(rival.selector(id: id))]]
    }

    /// The write for ``Condition/unchanged``; a deletion when the state's snapshot is not kept. It is an insert where
    /// no snapshot was stored, and the unique `_id` refuses it if one is stored now. Nil when there is nothing to match
    /// or to write.
    func unchangedWrite() throws -> BulkOperation? {
        guard isKept else { return unchangedSelector.map { .deleteOne($0) } }
        guard basis.identity != nil else { return .insert(try document()) }
        return try unchangedSelector.map { .replaceOne($0, replacement: try document()) }
    }

    /// The write for ``Condition/newer``; a deletion when the state's snapshot is not kept.
    ///
    /// Where the condition does not hold, nothing matches, and the unique `_id` refuses the document that the upsert
    /// then inserts: a duplicate key means that this snapshot is not needed any more. A snapshot that was loaded and
    /// not believed is replaced while it is unchanged, whatever its version.
    func guardedWrite() throws -> BulkOperation {
        guard isKept else { return .deleteOne(try selector(olderBy: "$lte")) }
        return .replaceOne(try selector(olderBy: "$lt"), replacement: try document(), upsert: true)
    }

    private func selector(olderBy comparison: String) throws -> BSONDocument {
        if let stored = basis.identity, !isNewer(than: stored), let unchangedSelector {
            let older: BSONDocument = [
                SnapshotKey.version: [comparison: .int64(version)],
                SnapshotKey.stateSchema: ["$lte": .int32(stateSchema)],
            ]
            return [
                SnapshotKey.id: .string(aggregateID.rawValue), "$or": [.document(older), .document(unchangedSelector)],
            ]
        }
        var selector = BSONWriter(capacity: 128)
        selector.write(aggregateID.rawValue, forKey: SnapshotKey.id)
        selector.beginDocument(SnapshotKey.version)
        selector.write(version, forKey: comparison)
        selector.end()
        selector.beginDocument(SnapshotKey.stateSchema)
        selector.write(stateSchema, forKey: "$lte")
        selector.end()
        return try selector.finish()
    }

    private func isNewer(than stored: BorrowedSnapshot.Identity) -> Bool {
        guard case .int64(let found) = stored.version, let schema = stored.stateSchema else { return false }
        return found < version && schema <= stateSchema
    }
}
