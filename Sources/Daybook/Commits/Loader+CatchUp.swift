internal import DaybookBSON
internal import DaybookMongo
internal import Logging
internal import Metrics

extension Loader: AggregateKind {
    var lifecycle: Lifecycle { A.lifecycle }
    var stateSchema: Int32 { A.stateSchema }
    var mayLoseSnapshot: Bool { A.mayLoseSnapshot }

    func catchUp(_ id: AggregateID, on connection: isolated MongoConnection) throws {
        _ = try catchUp([id], on: connection)
    }

    /// Writes the snapshots of these aggregates as the journal has them, guarded as after a commit.
    ///
    /// An aggregate whose events cannot be read, or whose snapshot the server does not take, is left out, and logged: it must not keep the others
    /// waiting.
    ///
    /// - Returns: Why some were left out, and the version of each that was loaded.
    /// - Throws: What may be otherwise the next time, such as a lost connection.
    func catchUp(
        _ ids: [AggregateID], writeConcern: WriteConcern? = nil, on connection: isolated MongoConnection
    ) throws -> (failures: [AggregateID: any Error], versions: [AggregateID: Int64]) {
        var failures: [AggregateID: any Error] = [:]
        var versions: [AggregateID: Int64] = [:]
        func leaveOut(_ id: AggregateID, _ error: any Error) {
            failures[id] = error
            let error = DaybookError.enriching(error, operation: "project", aggregateID: id.rawValue)
            let reason = (error as? DaybookError)?.message ?? "\(type(of: error))"
            metrics.snapshotsDropped.increment()
            telemetry.logger.error(
                "the snapshot cannot be made and lags: \(reason)",
                [.aggregateID: id, .collection: snapshots, .version: (error as? DaybookError)?.version ?? 0])
        }
        func load(_ ids: [AggregateID]) throws -> [SnapshotWrite] {
            var writes: [SnapshotWrite] = []
            for id in ids {
                do {
                    let loaded = try self.load(id, on: connection)
                    versions[id] = loaded.fold.version
                    guard let snapshot = try loaded.fold.stored() else { continue }
                    writes.append(
                        try SnapshotWrite(snapshot, of: self, basis: loaded.basis, isKept: loaded.fold.keepsSnapshot))
                } catch {
                    guard !(error is MongoError) else { throw error }
                    leaveOut(id, error)
                }
            }
            return writes
        }
        var forestalled: [SnapshotWrite] = []
        var inserted = 0
        func write(_ writes: [SnapshotWrite], isSecondTime: Bool) throws {
            guard !writes.isEmpty else { return }
            let result = try connection.bulkWrite(
                writes.map { try $0.guardedWrite() }, ordered: false, in: snapshots, writeConcern: writeConcern)
            inserted += result.upserted
            for (write, outcome) in zip(writes, result.outcomes) {
                switch outcome {
                case .done: metrics.snapshotsPosted.increment()
                case .failed(let error) where error.isOfForeignIndex:
                    leaveOut(write.aggregateID, DaybookError.refused(byForeignIndex: error, of: write.aggregateID))
                case .failed(let error) where error.code == .duplicateKey:
                    // A newer one is there, or another writer has just put the aggregate's first one there: the second time it is the former.
                    if !isSecondTime { forestalled.append(write) }
                case .failed(let error) where error.code == .validationFailed || error.code == .tooLarge:
                    leaveOut(write.aggregateID, error)
                case .failed(let error), .unknown(let error): throw error
                case .notSent: break
                }
            }
        }
        var left = ids
        while !left.isEmpty {
            let writes = try load(left)
            (forestalled, inserted) = ([], 0)
            try write(writes, isSecondTime: false)
            try write(forestalled, isSecondTime: true)
            // A commit that came after the load may have deleted a snapshot that was not there yet, and ours is there now.
            left = inserted == 0 ? [] : try surpassed(writes, on: connection)
        }
        return (failures, versions)
    }

    /// Of a kind whose snapshots may be deleted: those of which the journal has more by now than was written.
    private func surpassed(_ writes: [SnapshotWrite], on connection: isolated MongoConnection) throws -> [AggregateID] {
        guard mayLoseSnapshot else { return [] }
        return try writes.filter { try $0.isKept && journal.head(of: $0.aggregateID, on: connection) > $0.version }
            .map(\.aggregateID)
    }
}
