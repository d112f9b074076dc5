internal import DaybookBSON
internal import DaybookMongo

/// A snapshot on its way to its collection.
final class SnapshotPost: Sendable {
    let snapshot: StoredSnapshot
    let collection: Namespace
    /// What stood there when the aggregate was loaded; nil when nothing did.
    let stored: BorrowedSnapshot.Identity?
    /// What stands there if a rival has committed while the aggregate was loaded.
    private let rival: BorrowedSnapshot.Identity?
    /// Whether a snapshot of the state is kept; where not, the one that stands there is deleted.
    let isKept: Bool
    /// Whether its kind has states of which no snapshot is kept: then an insert that arrives late may follow the deletion.
    let mayLoseSnapshot: Bool
    /// Nothing was read for this post: ``stored`` is what the last commit from here left, nil where that is written behind the commits, and what
    /// anybody has done since is not known.
    let isAssumed: Bool
    /// The snapshot's, where it is known before the document is made.
    private let digest: [UInt8]?
    /// Looks at an aggregate that was not read for this post, and writes its snapshot as the journal has it.
    let catchUp: (@Sendable (isolated MongoConnection) throws -> Void)?

    /// - Parameter isSentAtOnce: Whether it is surely sent, and not a later version in its place.
    /// - Throws: ``DaybookError/Code/tooLarge`` when it is over MongoDB's limit.
    init(
        _ snapshot: StoredSnapshot, collection: Namespace, stored: BorrowedSnapshot.Identity?,
        rival: BorrowedSnapshot.Identity? = nil, isKept: Bool = true, mayLoseSnapshot: Bool = false, isAssumed: Bool = false,
        isSentAtOnce: Bool = false, catchUp: (@Sendable (isolated MongoConnection) throws -> Void)? = nil
    ) throws {
        self.snapshot = snapshot
        self.collection = collection
        self.stored = stored
        self.rival = rival
        self.isKept = isKept
        self.mayLoseSnapshot = mayLoseSnapshot
        self.isAssumed = isAssumed
        self.catchUp = catchUp
        digest = isSentAtOnce ? snapshot.digest : nil
        guard isKept, byteCount > maximumDocumentBytes else { return }
        try BSONDocument.check(document(), "the snapshot at version \(version)", aggregateID, version)
    }

    var aggregateID: AggregateID { snapshot.aggregateID }
    var version: Int64 { snapshot.version }
    var stateSchema: Int32 { snapshot.stateSchema }
    /// Of the encoded state in it.
    var stateBytes: Int { snapshot.state.bytes.count }
    /// Of the document, or a little more.
    var byteCount: Int { stateBytes + aggregateID.rawValue.utf8.count + 320 }

    func document() throws -> BSONDocument { try snapshot.document(digest: digest ?? snapshot.digest) }

    /// What a later compare-and-set finds where this was written.
    var identity: BorrowedSnapshot.Identity {
        BorrowedSnapshot.Identity(
            version: .int64(version), digest: .binary(BSONBinary(bytes: digest ?? snapshot.digest)), stateSchema: stateSchema)
    }

    /// A state of a newer schema belongs to a newer deployment, whose states this one cannot make.
    func isOlder(than stored: BorrowedSnapshot.Identity) -> Bool {
        (stored.stateSchema ?? 0) > stateSchema
    }

    var selector: BSONDocument { [SnapshotKey.id: .string(aggregateID.rawValue)] }

    /// Matches the snapshot exactly as it was loaded, or as a rival's commit has left it; nil when nothing that could be matched was there.
    var unchangedSelector: BSONDocument? {
        // MongoDB refuses to compare with the deprecated type undefined, which a damaged field may have.
        guard let stored, !isOlder(than: stored), stored.version != .undefined, stored.digest != .undefined else { return nil }
        guard let rival else {
            return [
                SnapshotKey.id: .string(aggregateID.rawValue), SnapshotKey.version: ["$eq": stored.version ?? .null],
                SnapshotKey.digest: ["$eq": stored.digest ?? .null],
            ]
        }
        let places = [stored, rival].map { identity -> BSONValue in
            [
                SnapshotKey.version: ["$eq": identity.version ?? .null],
                SnapshotKey.digest: ["$eq": identity.digest ?? .null],
            ]
        }
        return [SnapshotKey.id: .string(aggregateID.rawValue), "$or": .array(places)]
    }

    /// The write that puts it in place where things are as they were loaded, and else touches nothing; nil when nothing that could be matched
    /// was there. An insert is refused by the unique `_id` where something stands now. Of a state that has no snapshot it is a deletion.
    func unchangedWrite() throws -> BulkOperation? {
        guard isKept else { return unchangedSelector.map { .deleteOne($0) } }
        guard stored != nil else { return .insert(try document()) }
        return try unchangedSelector.map { .replaceOne($0, replacement: try document()) }
    }

    /// The write that puts it in place where neither a newer version nor a higher `stateSchema` stands.
    ///
    /// Where one does, nothing matches, and what the upsert then tries to insert is refused by the unique `_id`: a duplicate key means that the
    /// snapshot was not needed any more. A snapshot that was loaded and not believed, of whatever version, is replaced if it still stands there.
    ///
    /// Of a state that has no snapshot it deletes what stands there, with the same guard.
    func guardedWrite() throws -> BulkOperation {
        guard isKept else { return deletion }
        if let stored, !isBehind(stored), let unchangedSelector {
            let behind: BSONDocument = [
                SnapshotKey.version: ["$lt": .int64(version)], SnapshotKey.stateSchema: ["$lte": .int32(stateSchema)],
            ]
            let selector: BSONDocument = [
                SnapshotKey.id: .string(aggregateID.rawValue), "$or": [.document(behind), .document(unchangedSelector)],
            ]
            return .replaceOne(selector, replacement: try document(), upsert: true)
        }
        var selector = BSONWriter(capacity: 128)
        selector.write(aggregateID.rawValue, forKey: SnapshotKey.id)
        selector.beginDocument(SnapshotKey.version)
        selector.write(version, forKey: "$lt")
        selector.end()
        selector.beginDocument(SnapshotKey.stateSchema)
        selector.write(stateSchema, forKey: "$lte")
        selector.end()
        return .replaceOne(try selector.finish(), replacement: try document(), upsert: true)
    }

    private var deletion: BulkOperation {
        let until: BSONDocument = [
            SnapshotKey.version: ["$lte": .int64(version)], SnapshotKey.stateSchema: ["$lte": .int32(stateSchema)],
        ]
        let alternatives = [until] + (unchangedSelector.map { [$0] } ?? [])
        return .deleteOne([
            SnapshotKey.id: .string(aggregateID.rawValue), "$or": .array(alternatives.map { .document($0) }),
        ])
    }

    private func isBehind(_ stored: BorrowedSnapshot.Identity) -> Bool {
        guard case .int64(let found) = stored.version, let schema = stored.stateSchema else { return false }
        return found < version && schema <= stateSchema
    }
}
