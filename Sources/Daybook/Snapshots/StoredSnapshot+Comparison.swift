package import DaybookBSON

extension StoredSnapshot {
    /// Whether `stored` is, byte for byte, what ``document()`` makes.
    ///
    /// A reconciliation calls this for each snapshot. So no document is built, the state is compared first, and the
    /// digest is computed only when all the rest is equal.
    package func isWritten(as stored: BorrowedDocument) -> Bool {
        (try? agrees(with: stored)) ?? false
    }

    private func agrees(with stored: BorrowedDocument) throws -> Bool {
        // The document's own length and NUL, which belong to no field.
        var fields = try BorrowedDocument(validatingLengthOf: stored.bytes).makeElements()
        guard let id = try fields.next(), id.hasKey(SnapshotKey.id), id.hasText(aggregateID.rawValue),
            let version = try fields.next(), version.hasKey(SnapshotKey.version), version.isInt64(self.version),
            let state = try fields.next(), state.hasKey(SnapshotKey.state), state.isDocument(self.state),
            let schema = try fields.next(), schema.hasKey(SnapshotKey.stateSchema), schema.type == .int32,
            try schema.int32() == stateSchema,
            let digest = try fields.next(), digest.hasKey(SnapshotKey.digest), digest.type == .binary,
            let head = try fields.next(), head.hasKey(SnapshotKey.head), head.type == .document,
            try isHead(head.document()),
            let createdAt = try fields.next(), createdAt.hasKey(SnapshotKey.createdAt),
            try createdAt.date() == self.createdAt,
            let updatedAt = try fields.next(), updatedAt.hasKey(SnapshotKey.updatedAt),
            try updatedAt.date() == self.updatedAt,
            try fields.next() == nil
        else { return false }
        let (subtype, bytes) = try digest.binary()
        guard subtype == .generic else { return false }
        return try self.digest(of: state.document()).withUnsafeBytes { haveSameBytes($0, bytes) }
    }

    private func isHead(_ document: BorrowedDocument) throws -> Bool {
        var fields = document.makeElements()
        guard let id = try fields.next(), id.hasKey(SnapshotKey.headID), try id.uuid() == headID,
            let recordedAt = try fields.next(), recordedAt.hasKey(SnapshotKey.headRecordedAt),
            try recordedAt.date() == updatedAt
        else { return false }
        return try fields.next() == nil
    }

    private func digest(of state: BorrowedDocument) -> [UInt8] {
        Self.digest(
            aggregateID: aggregateID.rawValue, version: version, stateSchema: stateSchema, headID: headID,
            createdAt: createdAt,
            state: state)
    }
}

extension BorrowedElement {
    /// True only for an `int64` of this value. An `int32` can be read as one too, but its bytes differ.
    fileprivate func isInt64(_ number: Int64) -> Bool { type == .int64 && (try? int64()) == number }
}
