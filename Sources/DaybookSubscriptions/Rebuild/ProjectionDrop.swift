internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// Removes a projection: its documents, postings, position and dead letters, and its record last.
///
/// The record says first that it is dropped. So no process delivers to it, and whichever process finds it so finishes
/// it.
struct ProjectionDrop: Sendable {
    let store: DaybookStore
    let name: SubscriptionName

    /// Notes that the projection is dropped, where no process runs it.
    ///
    /// - Throws: `DaybookError`; `conflict` where a process runs it.
    func begin() async throws {
        let none: BSONDocument = [
            "members": ["$not": ["$elemMatch": ["expiresAt": ["$gt": .datetime(try BSONDate(store.clock.now()))]]]]
        ]
        let dropping: BSONDocument = ["state": .string(SubscriptionRecord.State.dropping.rawValue)]
        let isBegun = try await store.client.withConnection(.single) {
            try SubscriptionRecord.change(
                name, if: ["$or": [.document(dropping), .document(none)]], by: ["$set": .document(dropping)],
                noting: nil, in: store.database, on: $0)
        }
        guard isBegun else {
            throw DaybookError(.conflict, "a process has begun to run the projection \"\(name)\": stop that first")
        }
    }

    /// Finishes what was begun: each step may have been done already.
    func finish() async throws {
        let found = try await store.client.withConnection(.single) {
            try SubscriptionRecord.find(name, in: store.database, on: $0)
        }
        guard let record = found, record.state == .dropping else { return }
        let live = SubscriptionStorage(name, in: store.database)
        let build = SubscriptionStorage(name, .beside, in: store.database)
        try await Patience.around {
            try await store.client.withConnection(.single) { connection in
                // A process that was stopped, and does not know that it is no member any more, can write no more.
                try PartitionProgress.fence(0..<record.partitions, in: live, on: connection)
                try PartitionProgress.fence(0..<1, in: build, on: connection)
                for namespace in [live.view, live.postings, build.view, build.postings] {
                    try ProjectionBuild.drop(namespace, on: connection)
                }
                let checkpoints = (0..<record.partitions).map { live.partitionName($0) } + [build.partitionName(0)]
                // The epochs stay, so that no earlier process can write.
                let unset: BSONDocument = ["$unset": ["position": "", PartitionProgress.handled: ""]]
                let result = try connection.bulkWrite(
                    checkpoints.map { .updateOne(["_id": .string($0)], update: unset) }, ordered: true,
                    in: live.checkpoints)
                for case .failed(let error) in result.outcomes { throw error }
                for case .unknown(let error) in result.outcomes { throw error }
                try DeadLetter.delete(of: name.rawValue, in: store.database, on: connection)
            }
        }
        try await closeRuns()
        _ = try await store.client.withConnection(.single) { connection in
            try connection.deleteOne(
                ["_id": .string(name.rawValue), "state": .string(record.state.rawValue)],
                in: SubscriptionRecord.namespace(in: store.database))
        }
    }

    /// Of the runs that did not come to their end, this drop is done; the others have nothing left to go on with.
    private func closeRuns() async throws {
        let log = StoredRunLog(store: store)
        for run in try await log.unfinished(of: ProjectionBuild.subject(name)) {
            if run.kind == .drop { try await log.end(run) } else { try await log.giveUp(run, for: run.holder) }
        }
    }
}
