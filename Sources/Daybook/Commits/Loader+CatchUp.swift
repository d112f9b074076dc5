internal import DaybookBSON
internal import DaybookMongo
internal import Logging
internal import Metrics

extension Loader: AggregateKind {
    var lifecycle: Lifecycle { A.lifecycle }
    var stateSchema: Int32 { A.stateSchema }
    var mayLoseSnapshot: Bool { A.mayLoseSnapshot }

    /// Writes the snapshots of these aggregates from the journal, with the same guard as after a commit.
    ///
    /// An aggregate whose events cannot be read, or whose snapshot the server refuses, is left out and logged, so that
    /// it does not hold up the others.
    ///
    /// - Throws: What may succeed the next time, such as a lost connection.
    func catchUp(
        _ ids: [AggregateID], writeConcern: WriteConcern?, on connection: isolated MongoConnection
    ) throws -> CaughtUp {
        var caughtUp = CaughtUp()
        func leaveOut(_ id: AggregateID, _ error: any Error) {
            caughtUp.failures[id] = error
            let error = DaybookError.enriching(error, operation: "project", aggregateID: id.rawValue)
            let reason = (error as? DaybookError)?.message ?? "\(type(of: error))"
            metrics.snapshotsDropped.increment()
            telemetry.logger.error(
                "the snapshot cannot be made and lags: \(reason)",
                [.aggregateID: id, .collection: snapshots, .version: (error as? DaybookError)?.version ?? 0])
        }
        var left = ids
        while !left.isEmpty {
            var writes: [SnapshotWrite] = []
            for id in left {
                do {
                    let loaded = try load(id, on: connection)
                    caughtUp.versions[id] = loaded.fold.version
                    guard let snapshot = try loaded.fold.stored() else { continue }
                    writes.append(
                        try SnapshotWrite(snapshot, of: self, basis: loaded.basis, isKept: loaded.fold.keepsSnapshot))
                } catch {
                    guard !(error is MongoError) else { throw error }
                    leaveOut(id, error)
                }
            }
            let results = try SnapshotWriter(snapshots, writeConcern: writeConcern).write(writes, on: connection)
            var inserted: [SnapshotWrite] = []
            for (write, result) in zip(writes, results) {
                switch result {
                case .written(let mayBeNew):
                    metrics.snapshotsPosted.increment()
                    if mayBeNew, write.mayBeDeleted { inserted.append(write) }
                case .superseded: break
                case .refused(let error):
                    leaveOut(write.aggregateID, DaybookError.refused(byForeignIndex: error, of: write.aggregateID))
                case .failed(let error) where error.code == .validationFailed || error.code == .tooLarge:
                    leaveOut(write.aggregateID, error)
                case .failed(let error), .unknown(let error): throw error
                }
            }
            // A commit after our load may have deleted the snapshot before we inserted it; then our insert brought it
            // back.
            left = try inserted.filter { try journal.head(of: $0.aggregateID, on: connection) > $0.version }
                .map(\.aggregateID)
        }
        return caughtUp
    }
}
