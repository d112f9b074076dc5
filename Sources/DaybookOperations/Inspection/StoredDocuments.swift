package import Daybook
package import DaybookBSON
internal import DaybookMongo

/// Documents of a store as they are stored, read in batches during the iteration. Each iteration sends a new query.
package struct StoredDocuments: AsyncSequence, Sendable {
    let documents: CursorSequence<BSONDocument>
    let operation: String
    let aggregateID: AggregateID?

    init(
        _ store: DaybookStore, _ filter: BSONDocument, in namespace: Namespace, options: FindOptions, operation: String,
        aggregateID: AggregateID? = nil
    ) {
        documents = store.client.find(filter, in: namespace, options: options) { BSONDocument($0) }
        self.operation = operation
        self.aggregateID = aggregateID
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(base: documents.makeAsyncIterator(), sequence: self)
    }

    package struct Iterator: AsyncIteratorProtocol {
        var base: CursorSequence<BSONDocument>.Iterator
        let sequence: StoredDocuments

        /// - Throws: ``DaybookError``
        package mutating func next() async throws -> BSONDocument? {
            do {
                return try await base.next()
            } catch let error as MongoError where error.isBadArgument || error.isUnknownRefusal {
                // The caller wrote the filter, so the error may show the server's text about it.
                throw DaybookError(
                    .invalidArgument, "the server does not take the filter: \(error.serverText ?? error.message)",
                    operation: sequence.operation, underlying: error)
            } catch {
                throw DaybookError.enriching(
                    error, operation: sequence.operation, aggregateID: sequence.aggregateID?.rawValue)
            }
        }
    }
}

extension DaybookStore {
    /// The events of an aggregate as they are stored, in order, including damaged ones; see ``JournalEntry``.
    ///
    /// - Parameter versions: If not nil, only the events with these versions.
    package func storedEvents(of id: AggregateID, versions: ClosedRange<Int64>? = nil) -> StoredDocuments {
        var filter: BSONDocument = [EventKey.aggregateID: .string(id.rawValue)]
        if let versions {
            filter = [
                EventKey.aggregateID: .string(id.rawValue),
                EventKey.version: ["$gte": .int64(versions.lowerBound), "$lte": .int64(versions.upperBound)],
            ]
        }
        return StoredDocuments(
            self, filter, in: journal.namespace, options: FindOptions(sort: Journal.inVersionOrder),
            operation: "history",
            aggregateID: id)
    }

    /// The snapshots of one kind that match a MongoDB filter, as they are stored. The URI's read preference decides
    /// where they are read.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when the aggregate stores no snapshots. The iteration throws the
    ///   same code when the server refuses the filter.
    package func storedSnapshots<A: Aggregate>(
        of aggregate: A.Type, matching filter: BSONDocument, sort: [(key: String, direction: Int32)] = [],
        limit: Int? = nil
    ) throws -> StoredDocuments {
        try A.requireSnapshots()
        return StoredDocuments(
            self, filter, in: repository(A.self).snapshots,
            options: FindOptions(sort: sort, limit: limit, reads: .asConfigured),
            operation: "query")
    }

    /// The documents of a projection's view that match a MongoDB filter, as they are stored. The URI's read preference
    /// decides where they are read.
    ///
    /// - Throws: ``DaybookError/Code/invalidArgument`` when the database has no such view, with those that it has. The
    ///   iteration throws the same code when the server refuses the filter.
    package func storedView(
        _ name: String, matching filter: BSONDocument, sort: [(key: String, direction: Int32)] = [], limit: Int? = nil
    ) async throws -> StoredDocuments {
        let views = try await telemetry.perform("view") {
            try await client.withConnection(.single) { try $0.views(in: database) }
        }
        guard views.contains(name) else {
            let known = views.sorted().joined(separator: ", ")
            throw DaybookError(
                .invalidArgument,
                "the database has no view \"\(name)\"; it has \(known.isEmpty ? "none" : known)", operation: "view")
        }
        return StoredDocuments(
            self, filter, in: Namespace(database: database, collection: CollectionName.view(of: name)),
            options: FindOptions(sort: sort, limit: limit, reads: .asConfigured), operation: "view")
    }
}

extension MongoConnection {
    /// The names of the projections that have a view.
    fileprivate func views(in database: String) throws -> [String] {
        let prefix = CollectionName.view(of: "")
        return try collectionNames(matching: ["name": ["$regex": .string("^views\\.")]], in: database).compactMap {
            // A name has no dot, so what is built beside a view is left out.
            $0.hasPrefix(prefix) ? AggregateType(rawValue: String($0.dropFirst(prefix.count)))?.rawValue : nil
        }
    }
}
