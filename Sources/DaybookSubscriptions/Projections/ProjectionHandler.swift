package import Daybook
package import DaybookBSON
package import DaybookMongo

/// Changes the documents of a projection by events, in the transaction in which these are posted.
package struct ProjectionHandler<P: Projection>: PostedHandler {
    private let sources = P.sources
    private let encoder = BSONEncoder()
    private let decoder = BSONDecoder()

    package init() {}

    package var indexes: [IndexModel]? { P.Document.indexes }

    package func handle(
        _ events: [StoredEvent], in storage: SubscriptionStorage, on connection: isolated MongoConnection
    ) async throws {
        let batch = try ProjectionBatch<P>(events, from: sources)
        guard !batch.isEmpty else { return }
        var states: [String: ProjectionState<P.Document>] = [:]
        let filter: BSONDocument = ["_id": ["$in": .array(batch.keys.map { .string($0) })]]
        try connection.find(filter, in: storage.view) { document in
            guard let key = try document.first("_id")?.string() else { return true }
            do {
                states[key] = try ProjectionState(document, decoder)
            } catch {
                throw DaybookError(
                    .server,
                    "the document \"\(key)\" of \(storage.view) cannot be read, so it was edited by hand: "
                        + "\(describe(error)). Run projections patch",
                    underlying: error)
            }
            return true
        }
        let known = Set(states.keys)
        try batch.apply(to: &states)
        var operations: [BulkOperation] = []
        for key in batch.keys {
            guard let state = states[key] else { continue }
            let document = try state.document(key, encoder)
            operations.append(
                known.contains(key)
                    ? .replaceOne(["_id": .string(key)], replacement: document) : .insert(document))
        }
        _ = try connection.bulkWrite(operations, ordered: false, in: storage.view)
    }
}

/// A document of a projection in memory: its state, and how many events that includes.
package struct ProjectionState<Document: Queryable>: Sendable {
    package var state = Document()
    package var events: Int64 = 0

    package init() {}

    package init(_ document: BorrowedDocument, _ decoder: BSONDecoder) throws {
        guard let state = try document.first("state")?.document() else {
            throw DaybookError(.server, "it lacks its state")
        }
        self.state = try decoder.decode(Document.self, from: state)
        events = try document.first("events")?.value().integer ?? 0
    }

    package func document(_ key: String, _ encoder: BSONEncoder) throws -> BSONDocument {
        ["_id": .string(key), "state": .document(try encoder.encode(state)), "events": .int64(events)]
    }
}

/// What a batch of events changes.
package struct ProjectionBatch<P: Projection> {
    /// The documents that change, each once, in the order of their first change.
    package private(set) var keys: [String] = []
    private var changes: [(index: Int, change: EventSource<P>.Change)] = []

    package var isEmpty: Bool { changes.isEmpty }

    /// - Throws: ``EventFailure``
    package init(_ events: [StoredEvent], from sources: [EventSource<P>]) throws {
        var seen: Set<[UInt8]> = []
        for (index, event) in events.enumerated() {
            do {
                for source in sources where source.type == event.aggregateID.type {
                    for change in try source.changes(event) {
                        changes.append((index, change))
                        if seen.insert(Array(change.key.utf8)).inserted { keys.append(change.key) }
                    }
                }
            } catch {
                throw EventFailure(index: index, error: error)
            }
        }
    }

    /// Applies the changes in order.
    ///
    /// - Throws: ``EventFailure``
    package func apply(to states: inout [String: ProjectionState<P.Document>]) throws {
        for (index, change) in changes {
            do {
                try change.apply(&states[change.key, default: ProjectionState()].state)
            } catch {
                throw EventFailure(index: index, error: error)
            }
            states[change.key, default: ProjectionState()].events += 1
        }
    }
}
