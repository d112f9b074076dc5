package import DaybookBSON

extension StoredSnapshot {
    /// Whether `stored` is, byte for byte, what ``document()`` makes.
    ///
    /// Nothing is made for it, and nothing hashed before all the rest is known to be equal, the state first of all: a run over many snapshots
    /// asks this of each.
    package func isWritten(as stored: BorrowedDocument) -> Bool {
        (try? agrees(with: stored)) ?? false
    }

    private func agrees(with stored: BorrowedDocument) throws -> Bool {
        // Its own length and NUL, which no field stands for.
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
            aggregateID: aggregateID.rawValue, version: version, stateSchema: stateSchema, headID: headID, createdAt: createdAt,
            state: state)
    }
}

extension BorrowedElement {
    /// True for an `int64` of this value, and not for an `int32`, which is read as one too.
    fileprivate func isInt64(_ number: Int64) -> Bool { type == .int64 && (try? int64()) == number }
}
