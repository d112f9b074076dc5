package import DaybookMongo

/// Sends snapshots to a collection, and returns a result for each.
package struct SnapshotWriter: Sendable {
    package enum Result: Sendable {
        /// It was written, or deleted. `mayBeNew`: no snapshot may have been stored before, because the server reports
        /// only how many of a bulk it inserted.
        case written(mayBeNew: Bool)
        /// A newer one is stored.
        case superseded
        /// A unique index that is not Daybook's refuses it, and would again.
        case refused(byForeignIndex: MongoError)
        /// It did not take effect, for another reason.
        case failed(MongoError)
        /// It may have taken effect, or may still do so.
        case unknown(MongoError)
    }

    private let collection: Namespace
    private let writeConcern: WriteConcern?

    /// - Parameter writeConcern: The client's if nil.
    package init(_ collection: Namespace, writeConcern: WriteConcern? = nil) {
        self.collection = collection
        self.writeConcern = writeConcern
    }

    /// Writes each where neither a newer version nor a higher `stateSchema` is stored.
    func write(_ writes: [SnapshotWrite], on connection: isolated MongoConnection) throws -> [Result] {
        let operations = try writes.map { try $0.guardedWrite() }
        return try write(operations, on: connection) { operations[$0] }
    }

    /// Sends one operation for each snapshot, and its `second` operation where the first meets a duplicate key.
    ///
    /// A duplicate key means either that a newer snapshot is stored, or that another writer inserted the aggregate's
    /// first one a moment ago. It is retried once: a second duplicate key can only mean the former.
    ///
    /// - Throws: ``MongoError`` when nothing was sent.
    package func write(
        _ operations: [BulkOperation], on connection: isolated MongoConnection, second: (Int) throws -> BulkOperation
    ) throws -> [Result] {
        var results = try send(operations, on: connection)
        let places = results.indices.filter { if case .superseded = results[$0] { true } else { false } }
        guard !places.isEmpty else { return results }
        do {
            for (place, result) in zip(places, try send(places.map(second), on: connection)) { results[place] = result }
        } catch let error as MongoError {
            // The other snapshots keep their results.
            for place in places { results[place] = .unknown(error) }
        }
        return results
    }

    private func send(
        _ operations: [BulkOperation], on connection: isolated MongoConnection
    ) throws(MongoError) -> [Result] {
        guard !operations.isEmpty else { return [] }
        let result = try connection.bulkWrite(operations, ordered: false, in: collection, writeConcern: writeConcern)
        let mayBeNew = result.inserted + result.upserted > 0
        return result.outcomes.map { outcome in
            switch outcome {
            case .done: .written(mayBeNew: mayBeNew)
            case .failed(let error) where error.isOfForeignIndex: .refused(byForeignIndex: error)
            case .failed(let error) where error.code == .duplicateKey: .superseded
            case .failed(let error): .failed(error)
            case .unknown(let error): .unknown(error)
            // Only an ordered bulk write skips operations.
            case .notSent: .unknown(MongoError(.network, "the snapshot was not sent"))
            }
        }
    }
}
