public import Daybook
internal import DaybookBSON
internal import DaybookMongo
public import Foundation

extension SubscriptionAdministration {
    /// From where a subscription handles events again.
    public enum RewindPoint: Sendable {
        /// All events of all aggregates.
        case beginning
        /// All events of one aggregate.
        case aggregate(AggregateID)
        /// All events of the aggregates of a type.
        case type(AggregateType)
        /// The events that were recorded since a date.
        case since(Date)
    }

    /// Has events handled again that were handled already.
    ///
    /// Not for a projection, whose documents would include the events twice: rebuild it. A positioned subscription has
    /// one position for all aggregates, so it goes back to a date or to the beginning only.
    ///
    /// - Parameter isDryRun: Whether nothing is changed.
    /// - Returns: How many aggregates are handled again; nil for a positioned subscription, where that is not known.
    @discardableResult
    public func rewind(
        _ name: SubscriptionName, to point: RewindPoint, _ reason: Reason, isDryRun: Bool = false
    ) async throws -> Int? {
        try await store.telemetry.perform("rewind") {
            let record = try await record(name)
            guard record.kind != Subscription.Kind.projection.rawValue else {
                throw DaybookError(
                    .invalidArgument,
                    "\"\(name)\" is a projection: its documents would include events twice. Run projections rebuild")
            }
            let isPosted = record.delivery == Subscription.Delivery.posted.rawValue
            let count = isPosted ? try await rewindPostings(record, point, isDryRun) : nil
            if !isPosted { try await rewindPosition(record, point, isDryRun) }
            guard !isDryRun else { return count }
            try await store.client.withConnection(.single) { connection in
                _ = try SubscriptionRecord.change(
                    name, by: ["$inc": ["audit": .int64(1)]], noting: note("rewind to \(point)", reason),
                    in: store.database, on: connection)
            }
            return count
        }
    }

    private func rewindPostings(
        _ record: SubscriptionRecord, _ point: RewindPoint, _ isDryRun: Bool
    ) async throws -> Int {
        let storage = try storage(record)
        if case .since(let date) = point { return try await rewindPostings(storage, record, since: date, isDryRun) }
        let filter: BSONDocument =
            switch point {
            case .aggregate(let id): ["_id": .string(id.rawValue)]
            case .type(let type): ["_id": .document(Journal.ids(of: type))]
            case .beginning, .since: [:]
            }
        return try await store.client.withConnection(.single) { connection in
            let count = try connection.count(filter, in: storage.postings)
            guard !isDryRun else { return count }
            _ = try connection.bulkWrite([.deleteMany(filter)], ordered: true, in: storage.postings)
            try DeadLetter.delete(of: record.name, where: filter["_id"], in: store.database, on: connection)
            return count
        }
    }

    /// Sets the posting of each aggregate that has events since a date to the version before the first of them.
    private func rewindPostings(
        _ storage: SubscriptionStorage, _ record: SubscriptionRecord, since date: Date, _ isDryRun: Bool
    ) async throws -> Int {
        let first = EventID(milliseconds: EventID.milliseconds(at: date), random: { 0 }).uuid
        var filter = Journal.condition(on: EventKey.aggregateID, ofTypes: record.types)
        try filter.append(EventKey.id, ["$gte": .binary(BSONBinary(first))])
        let firsts = store.client.aggregate(
            [
                ["$match": .document(filter)],
                [
                    "$group": [
                        "_id": .string("$\(EventKey<String>.aggregateID)"),
                        "version": ["$min": .string("$\(EventKey<String>.version)")],
                    ]
                ],
            ], in: store.journal.namespace, options: FindOptions()
        ) { document in
            let document = BSONDocument(document)
            return (document["_id"]?.text, document["version"]?.integer)
        }
        var count = 0
        var batch: [BulkOperation] = []
        for try await case (let id?, let version?) in firsts {
            count += 1
            batch.append(
                .updateOne(
                    ["_id": .string(id), "version": ["$gte": .int64(version)]],
                    update: ["$set": ["version": .int64(version - 1)], "$unset": ["parked": ""]]))
            guard batch.count >= 1_000 else { continue }
            try await write(batch, storage, isDryRun)
            batch = []
        }
        try await write(batch, storage, isDryRun)
        return count
    }

    private func write(_ batch: [BulkOperation], _ storage: SubscriptionStorage, _ isDryRun: Bool) async throws {
        guard !isDryRun, !batch.isEmpty else { return }
        _ = try await store.client.withConnection(.single) {
            try $0.bulkWrite(batch, ordered: false, in: storage.postings)
        }
    }

    private func rewindPosition(
        _ record: SubscriptionRecord, _ point: RewindPoint, _ isDryRun: Bool
    ) async throws {
        let after: UUID?
        switch point {
        case .beginning: after = nil
        case .since(let date): after = EventID(milliseconds: EventID.milliseconds(at: date), random: { 0 }).uuid
        case .aggregate, .type:
            throw DaybookError(
                .invalidArgument,
                "\"\(record.name)\" keeps one position for all aggregates: it goes back to a date, or to the beginning")
        }
        guard !isDryRun else { return }
        let storage = try storage(record)
        try await store.client.withConnection(.single) { connection in
            // A process that runs it begins anew, and reads the position then.
            try PartitionProgress.fence(0..<record.partitions, in: storage, on: connection)
            for partition in 0..<record.partitions {
                let selector: BSONDocument = ["_id": .string(storage.partitionName(partition))]
                let found = try connection.findOne(selector, in: storage.checkpoints) {
                    BSONDocument($0)["position"]?.document.flatMap(FeedPosition.init)
                }
                guard let position = found ?? nil else { continue }
                let back = FeedPosition(.scanning(after: after), token: position.token, time: position.time)
                try connection.updateOne(
                    selector, with: ["$set": ["position": .document(back.document)]], in: storage.checkpoints)
            }
        }
    }
}
