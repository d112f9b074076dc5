package import Daybook
internal import DaybookBSON
internal import DaybookMongo
package import Foundation

/// How much a database holds, from its indexes and the server's own figures: no document is read.
package struct DatabaseStatistics: Sendable {
    /// A collection.
    package struct Collection: Sendable {
        package var documents: Int64
        /// The server's figures about it; nil where the user may not read them (`collStats`).
        package var size: Size?
    }

    /// Sizes in bytes.
    package struct Size: Sendable {
        /// The documents.
        package var documents: Int64
        /// The documents as they are on disk, compressed.
        package var storage: Int64
        /// Each index, by name.
        package var indexes: [(name: String, bytes: Int64)]
    }

    /// The aggregates of one type.
    package struct Aggregates: Sendable {
        package var type: AggregateType
        /// Nil when the program does not know the aggregate.
        package var lifecycle: Lifecycle?
        package var aggregates: Int64
        package var events: Int64
        /// Nil when there is no such collection.
        package var snapshots: Collection?
        /// When the projector of the lifecycle async last saved its checkpoint; nil when it never did.
        package var projectedAt: Date?

        /// How many more aggregates than snapshots there are; nil for an aggregate that keeps no snapshots.
        package var withoutSnapshot: Int64? {
            lifecycle == .live ? nil : snapshots.map { max(0, aggregates - $0.documents) }
        }
    }

    package var journal: Collection
    /// By type.
    package var types: [Aggregates]
}

extension DaybookStore {
    /// How much the database holds of each type of aggregate that has events or is one of the store's.
    package func statistics() async throws -> DatabaseStatistics {
        try await telemetry.perform("stats") {
            try await client.withConnection(.single) { connection in
                try readiness.requireJournal(on: connection)
                var types = Dictionary(
                    aggregates.map { ($0.type, Optional($0)) }, uniquingKeysWith: { first, _ in first })
                for name in try journal.typeNames(on: connection) {
                    guard let type = AggregateType(rawValue: name), types[type] == nil else { continue }
                    types[type] = .some(nil)
                }
                let existing = try connection.collectionNames(in: database)
                return DatabaseStatistics(
                    journal: try connection.statistics(of: journal.namespace),
                    types: try types.sorted { $0.key.rawValue < $1.key.rawValue }.map { type, aggregate in
                        try statistics(of: type, aggregate, existing, on: connection)
                    })
            }
        }
    }

    private func statistics(
        of type: AggregateType, _ aggregate: (any Aggregate.Type)?, _ existing: [String],
        on connection: isolated MongoConnection
    ) throws -> DatabaseStatistics.Aggregates {
        let ids = BSONValue.document(Journal.ids(of: type))
        let name = aggregate?.snapshotCollection ?? CollectionName.snapshots(of: type.rawValue)
        let snapshots = Namespace(database: database, collection: name)
        return DatabaseStatistics.Aggregates(
            type: type, lifecycle: aggregate?.lifecycle,
            // Each aggregate has exactly one first event.
            aggregates: try connection.fastCount(
                [EventKey.aggregateID: ids, EventKey.version: 1], in: journal.namespace),
            events: try connection.fastCount([EventKey.aggregateID: ids], in: journal.namespace),
            snapshots: existing.contains(where: name.hasSameBytes) ? try connection.statistics(of: snapshots) : nil,
            projectedAt: aggregate?.lifecycle == .async
                ? try Checkpoint(name: CollectionName.snapshots(of: type.rawValue), database: database)
                    .updatedAt(on: connection) : nil)
    }
}

extension MongoConnection {
    /// How many documents match. The server counts on an index where one fits.
    fileprivate func fastCount(_ filter: BSONDocument, in namespace: Namespace) throws -> Int64 {
        // With a filter the server walks the index, which takes minutes over a hundred million keys.
        let reply = try read(
            ["count": .string(namespace.collection), "query": .document(filter)], database: namespace.database,
            takesLong: filter != [:])
        return reply["n"]?.integer ?? 0
    }

    fileprivate func statistics(of namespace: Namespace) throws -> DatabaseStatistics.Collection {
        guard let reply = try storageStatistics(of: namespace) else {
            return DatabaseStatistics.Collection(documents: try fastCount([:], in: namespace), size: nil)
        }
        var indexes: [(String, Int64)] = []
        if case .document(let sizes) = reply["indexSizes"] {
            indexes = sizes.fields.map { ($0.key, $0.value.integer ?? 0) }
        }
        return DatabaseStatistics.Collection(
            documents: reply["count"]?.integer ?? 0,
            size: DatabaseStatistics.Size(
                documents: reply["size"]?.integer ?? 0, storage: reply["storageSize"]?.integer ?? 0, indexes: indexes))
    }

    /// Nil for a user who may read the collection, but not its statistics.
    private func storageStatistics(of namespace: Namespace) throws -> BSONDocument? {
        do throws(MongoError) {
            return try read(["collStats": .string(namespace.collection)], database: namespace.database)
        } catch {
            guard error.code == .unauthorized else { throw error }
            return nil
        }
    }

    fileprivate func collectionNames(in database: String) throws -> [String] {
        var command: BSONDocument = ["listCollections": 1, "nameOnly": true]
        // One batch: names are short.
        try command.append("cursor", ["batchSize": 10_000])
        guard case .document(let cursor) = try read(command, database: database)["cursor"],
            case .array(let batch) = cursor["firstBatch"]
        else { return [] }
        return batch.compactMap { value in
            guard case .document(let collection) = value, case .string(let name)? = collection["name"] else {
                return nil
            }
            return name
        }
    }
}

extension BSONValue {
    /// A number of any type, because servers reply with different ones.
    fileprivate var integer: Int64? { number.flatMap { Int64(exactly: $0.rounded()) } }
}
