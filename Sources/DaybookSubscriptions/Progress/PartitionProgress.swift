internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The partitions that a process holds, and how far they have come: documents of `daybook.checkpoints`, `{ _id, epoch,
/// batches, position, handled, updatedAt }`.
///
/// The holder of a partition's lease writes the lease's epoch there, and each later write of progress asks for that
/// epoch, in the transaction of what it is about. So a holder that has lost its lease and does not know it yet cannot
/// write.
struct PartitionProgress: Sendable {
    let storage: SubscriptionStorage
    /// How many partitions there are in all.
    let count: Int
    /// The epoch of each partition's lease.
    let epochs: [Int: Int64]

    /// The field with the greatest id of the events that a positioned subscription has handled, for its lag: a position
    /// has only a time in seconds.
    static let handled = "handled"

    /// Makes the partitions those of the holder of `leases`, and returns how far each has come; those that have not
    /// begun are missing.
    ///
    /// - Throws: ``Lease/lost`` when a later epoch stands there; see ``Checkpoint``.
    static func claim(
        _ leases: [Int: Lease], of count: Int, in storage: SubscriptionStorage, on connection: isolated MongoConnection
    ) throws -> (progress: PartitionProgress, positions: [Int: FeedPosition]) {
        var positions: [Int: FeedPosition] = [:]
        for (partition, lease) in leases {
            let found = try connection.findAndUpdate(
                ["_id": .string(storage.partitionName(partition))],
                through: [["$set": ["epoch": ["$max": [Lease.lastEpoch, .int64(lease.epoch)]]]]], upsert: true,
                in: storage.checkpoints, writeConcern: WriteConcern(.majority))
            if case .int64(let epoch)? = found?["epoch"], epoch > lease.epoch {
                try lease.release(exceeding: epoch, in: storage.checkpoints.database, on: connection)
                throw lease.lost
            }
            if case .document(let position)? = found?["position"] { positions[partition] = FeedPosition(position) }
        }
        return (PartitionProgress(storage: storage, count: count, epochs: leases.mapValues(\.epoch)), positions)
    }

    /// Makes every later write of the holders of these partitions fail, whoever they are.
    static func fence(
        _ partitions: Range<Int>, in storage: SubscriptionStorage, on connection: isolated MongoConnection
    ) throws {
        for partition in partitions {
            _ = try connection.findAndUpdate(
                ["_id": .string(storage.partitionName(partition))],
                through: [["$set": ["epoch": ["$add": [Lease.lastEpoch, .int64(1)]]]]], upsert: true,
                in: storage.checkpoints, writeConcern: WriteConcern(.majority))
        }
    }

    /// As ``save(_:last:on:)``, for the partitions of some aggregates.
    func save(
        _ position: FeedPosition?, for ids: some Collection<AggregateID>, on connection: isolated MongoConnection
    ) throws {
        try save(position, last: nil, of: Set(ids.map { Partitions.index(of: $0, count: count) }), on: connection)
    }

    /// Notes that the partitions have come to `position`; with nil only that they are still held. In a transaction, all
    /// that it has written stands or falls with it.
    ///
    /// - Parameter last: The greatest id of the events that were handled; see ``handled``.
    /// - Throws: ``PartitionsLost`` when another process holds one of them.
    func save(_ position: FeedPosition?, last: UUID? = nil, on connection: isolated MongoConnection) throws {
        try save(position, last: last, of: Set(epochs.keys), on: connection)
    }

    private func save(
        _ position: FeedPosition?, last: UUID?, of partitions: Set<Int>, on connection: isolated MongoConnection
    ) throws {
        var change: BSONDocument = ["$currentDate": ["updatedAt": true], "$inc": ["batches": .int64(1)]]
        if let position { try change.append("$set", ["position": .document(position.document)]) }
        if let last { try change.append("$max", [Self.handled: .binary(BSONBinary(last))]) }
        let operations = epochs.filter { partitions.contains($0.key) }.map { partition, epoch in
            BulkOperation.updateOne(
                ["_id": .string(storage.partitionName(partition)), "epoch": .int64(epoch)], update: change)
        }
        guard !operations.isEmpty else { return }
        let result = try connection.bulkWrite(operations, ordered: true, in: storage.checkpoints)
        for case .failed(let error) in result.outcomes { throw error }
        for case .unknown(let error) in result.outcomes { throw error }
        guard result.matched == operations.count else { throw PartitionsLost() }
    }
}

/// Another process holds a partition that this one has held: this one writes nothing more to it.
struct PartitionsLost: Error {}
