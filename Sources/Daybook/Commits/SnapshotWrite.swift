internal import DaybookBSON
internal import DaybookMongo

/// A snapshot on its way to its collection, and where it may take the place of what is stored there.
final class SnapshotWrite: Sendable {
    /// When it takes effect.
    enum Condition: Sendable {
        /// The stored snapshot is still the one that it is based on: within the commit.
        case unchanged
        /// Neither a newer version nor a higher `stateSchema` is stored: after the commit.
        case newer
    }

    let snapshot: StoredSnapshot
    let kind: any AggregateKind
    let condition: Condition
    let basis: SnapshotBasis
    /// What is stored if a rival has committed while the aggregate was loaded.
    private let rival: BorrowedSnapshot.Identity?
    /// Whether a snapshot of the state is kept; where not, the stored one is deleted.
    let isKept: Bool
    /// The snapshot's, where it is surely sent, and not a later version in its place.
    private let digest: [UInt8]?

    /// - Throws: ``DaybookError/Code/tooLarge`` when it is over MongoDB's limit.
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
    /// Whether a later commit may delete it: then an insert that arrives late may follow the deletion.
    var mayBeDeleted: Bool { kind.mayLoseSnapshot && isKept }
    /// Of the encoded state in it.
    var stateBytes: Int { snapshot.state.bytes.count }
    /// Of the document, or a little more.
    var byteCount: Int { stateBytes + aggregateID.rawValue.utf8.count + 320 }

    func document() throws -> BSONDocument { try snapshot.document(digest: digest ?? snapshot.digest) }

    /// What a later compare-and-set finds where this was written.
    var identity: BorrowedSnapshot.Identity { snapshot.identity(digest: digest ?? snapshot.digest) }

    /// A state of a newer schema belongs to a newer deployment, whose states this one cannot make.
    func isOlder(than stored: BorrowedSnapshot.Identity) -> Bool {
        (stored.stateSchema ?? 0) > stateSchema
    }

    var selector: BSONDocument { [SnapshotKey.id: .string(aggregateID.rawValue)] }

    /// Matches the snapshot exactly as it was loaded, or as a rival's commit has left it; nil when nothing that could
    /// be matched was there.
    private var unchangedSelector: BSONDocument? {
        guard let stored = basis.identity, !isOlder(than: stored) else { return nil }
        let id = BSONValue.string(aggregateID.rawValue)
        guard let rival else { return stored.selector(id: id) }
        return [SnapshotKey.id: id, "$or": [.document(stored.selector(id: id)), .document(rival.selector(id: id))]]
    }

    /// The write of the condition ``Condition/unchanged``; nil when nothing was stored that could be matched. The
    /// unique `_id` refuses an insert where something is stored now. Of a state that has no snapshot it is a deletion.
    func unchangedWrite() throws -> BulkOperation? {
        guard isKept else { return unchangedSelector.map { .deleteOne($0) } }
        guard basis.identity != nil else { return .insert(try document()) }
        return try unchangedSelector.map { .replaceOne($0, replacement: try document()) }
    }

    /// The write of the condition ``Condition/newer``; of a state that has no snapshot a deletion.
    ///
    /// Where the condition does not hold, nothing matches, and the unique `_id` refuses what the upsert then tries to
    /// insert: a duplicate key means that the snapshot is not needed any more. A snapshot that was loaded and not
    /// believed, of whatever version, is replaced while it is stored unchanged.
    func guardedWrite() throws -> BulkOperation {
        guard isKept else { return .deleteOne(try selector(olderBy: "$lte")) }
        return .replaceOne(try selector(olderBy: "$lt"), replacement: try document(), upsert: true)
    }

    private func selector(olderBy comparison: String) throws -> BSONDocument {
        if let stored = basis.identity, !isNewer(than: stored), let unchangedSelector {
            let older: BSONDocument = [
                SnapshotKey.version: [comparison: .int64(version)], SnapshotKey.stateSchema: ["$lte": .int32(stateSchema)],
            ]
            return [SnapshotKey.id: .string(aggregateID.rawValue), "$or": [.document(older), .document(unchangedSelector)]]
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
