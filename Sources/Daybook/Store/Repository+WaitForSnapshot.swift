internal import DaybookBSON
internal import DaybookMongo

extension Repository {
    /// Returns when a query on the primary sees this commit: for reads after a command whose snapshot is written after
    /// its commit.
    ///
    /// With the lifecycle ``Lifecycle/inline`` that is at once. Otherwise it waits for the snapshot, and writes it if
    /// its writer has died.
    ///
    /// - Throws: ``DaybookError``: `versionNotFound` when the journal has no such version, `snapshotBehind` when a
    ///   newer deployment keeps the snapshot and has not updated it yet, `invalidArgument` for an aggregate without
    ///   snapshots.
    public func waitForSnapshot(of commit: Commit) async throws {
        try await waitForSnapshot(commit.aggregateID.key, version: commit.version)
    }

    /// Returns when a query on the primary sees an aggregate at `version` or later; see ``waitForSnapshot(of:)``.
    public func waitForSnapshot(_ key: String, version: Int64) async throws {
        let id = try AggregateID(A.type, key: key)
        try await store.telemetry.perform("waitForSnapshot", id) {
            guard A.lifecycle != .live else {
                throw DaybookError(
                    .invalidArgument, "\(A.self) has the lifecycle live: no snapshot of it is kept, so load it instead")
            }
            if A.lifecycle == .async { await store.poster.settled(id, version) }
            // Another process may be about to write it. Soon after a commit, that is more likely than that the process
            // died.
            let patience = ContinuousClock.now + .milliseconds(A.lifecycle == .async ? 200 : 0)
            var backoff = Backoff()
            while true {
                if try await store.client.withConnection(.single, { try isShown(id, version, on: $0) }) { return }
                guard ContinuousClock.now < patience else { break }
                try Task.checkCancellation()
                await backoff.wait()
            }
            let (failures, reached) = try await store.client.withConnection(.single) { connection in
                let failures = try loader.catchUp([id], writeConcern: nil, on: connection).failures
                guard try !isShown(id, version, on: connection) else { return (failures, (version, version)) }
                return (
                    failures, (try snapshotVersion(id, on: connection), try store.journal.head(of: id, on: connection))
                )
            }
            guard reached.0 < version else { return }
            if let failure = failures[id] { throw failure }
            guard reached.1 >= version else {
                throw DaybookError(
                    .versionNotFound, "it has no version \(version); it is at version \(reached.1)",
                    aggregateID: id.rawValue,
                    version: reached.1)
            }
            throw DaybookError(
                .snapshotBehind,
                "its snapshot is at version \(reached.0), and not this program's to write: it has a newer stateSchema",
                aggregateID: id.rawValue, version: reached.0)
        }
    }

    /// Whether a query sees an aggregate at `version` or later: by its snapshot, or by the absence of one if no
    /// snapshot of its state is kept.
    private func isShown(_ id: AggregateID, _ version: Int64, on connection: isolated MongoConnection) throws -> Bool {
        let found = try snapshotVersion(id, on: connection)
        guard found == 0, A.mayLoseSnapshot else { return found >= version }
        let fold = try loader.load(id, on: connection).fold
        return fold.version >= version && !fold.keepsSnapshot
    }

    /// The version of the stored snapshot; 0 when there is none, or its version is not a number.
    private func snapshotVersion(_ id: AggregateID, on connection: isolated MongoConnection) throws -> Int64 {
        let options = FindOptions(projection: [SnapshotKey.version: 1])
        return try connection.findOne([SnapshotKey.id: .string(id.rawValue)], in: snapshots, options: options) {
            try BorrowedSnapshot($0).version ?? 0
        } ?? 0
    }
}
