internal import DaybookBSON
internal import DaybookMongo

/// A snapshot on its way to its collection.
struct SnapshotPost: Sendable {
    let aggregateID: AggregateID
    let collection: Namespace
    let version: Int64
    let stateSchema: Int32
    let document: BSONDocument
    /// Of the encoded state in it.
    let stateBytes: Int
    /// What stood there when the aggregate was loaded; nil when nothing did.
    let stored: BorrowedSnapshot.Identity?

    /// - Throws: ``DaybookError/Code/tooLarge`` when it is over MongoDB's limit.
    init(_ snapshot: StoredSnapshot, collection: Namespace, stored: BorrowedSnapshot.Identity?) throws {
        aggregateID = snapshot.aggregateID
        self.collection = collection
        version = snapshot.version
        stateSchema = snapshot.stateSchema
        document = try snapshot.document()
        stateBytes = snapshot.state.bytes.count
        self.stored = stored
        try BSONDocument.check(document, "the snapshot at version \(version)", aggregateID, version)
    }

    /// A state of a newer schema belongs to a newer deployment, whose states this one cannot make.
    func isOlder(than stored: BorrowedSnapshot.Identity) -> Bool {
        (stored.stateSchema ?? 0) > stateSchema
    }

    var selector: BSONDocument { ["_id": .string(aggregateID.rawValue)] }

    /// Matches the snapshot exactly as it was loaded; nil when nothing that could be matched was there.
    var unchangedSelector: BSONDocument? {
        // MongoDB refuses to compare with the deprecated type undefined, which a damaged field may have.
        guard let stored, !isOlder(than: stored), stored.version != .undefined, stored.digest != .undefined else { return nil }
        return [
            "_id": .string(aggregateID.rawValue), "version": ["$eq": stored.version ?? .null],
            "digest": ["$eq": stored.digest ?? .null],
        ]
    }

    /// The write that puts it in place where neither a newer version nor a higher `stateSchema` stands.
    ///
    /// Where one does, nothing matches, and what the upsert then tries to insert is refused by the unique `_id`: a duplicate key means that the
    /// snapshot was not needed any more. A snapshot that was loaded and not believed, of whatever version, is replaced if it still stands there.
    var guardedWrite: BulkOperation {
        let behind: BSONDocument = ["version": ["$lt": .int64(version)], "stateSchema": ["$lte": .int32(stateSchema)]]
        let selector: BSONDocument
        if let stored, !isBehind(stored), let unchangedSelector {
            selector = ["_id": .string(aggregateID.rawValue), "$or": [.document(behind), .document(unchangedSelector)]]
        } else {
            selector = [
                "_id": .string(aggregateID.rawValue), "version": ["$lt": .int64(version)],
                "stateSchema": ["$lte": .int32(stateSchema)],
            ]
        }
        return .replaceOne(selector, replacement: document, upsert: true)
    }

    private func isBehind(_ stored: BorrowedSnapshot.Identity) -> Bool {
        guard case .int64(let found) = stored.version, let schema = stored.stateSchema else { return false }
        return found < version && schema <= stateSchema
    }
}

extension BSONDocument {
    /// Makes sure that MongoDB can store a document.
    ///
    /// - Throws: ``DaybookError/Code/tooLarge``
    static func check(_ document: BSONDocument, _ what: String, _ id: AggregateID, _ version: Int64) throws {
        guard document.bytes.count > maximumDocumentBytes else { return }
        throw DaybookError(
            .tooLarge,
            "\(what) has \(document.bytes.count) bytes; MongoDB stores at most \(maximumDocumentBytes). Nothing was written.",
            aggregateID: id.rawValue, version: version)
    }
}
