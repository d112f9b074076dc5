package import DaybookBSON
package import DaybookMongo
internal import Foundation

/// Compares events that are to be put into the journal with what it has in their places.
package struct EventComparison: Sendable {
    let journal: Journal

    package init(journal: Journal) {
        self.journal = journal
    }

    /// Those of `events` that are there, to the byte.
    package func present(
        _ events: some Collection<BulkEvent>, on connection: isolated MongoConnection
    ) throws -> Set<BSONDocument> {
        let wanted = Set(events.map(\.document))
        return Set(try found(wanted, on: connection).values).intersection(wanted)
    }

    /// What the journal has under the ids of these documents.
    private func found(
        _ documents: some Sequence<BSONDocument>, on connection: isolated MongoConnection
    ) throws -> [BSONValue: BSONDocument] {
        var found: [BSONValue: BSONDocument] = [:]
        let ids = documents.compactMap { $0["_id"] }
        guard !ids.isEmpty else { return found }
        try connection.find(["_id": ["$in": .array(ids)]], in: journal.namespace) { document in
            let document = BSONDocument(document)
            if let id = document["_id"] { found[id] = document }
            return true
        }
        return found
    }

    /// The first of `events` that cannot go in, because something else has its id, its place or its command id; nil when each can, or is there.
    package func firstConflict(in events: [BulkEvent], on connection: isolated MongoConnection) throws -> DaybookError? {
        let found = try found(events.map(\.document), on: connection)
        let absent = events.filter { $0.document["_id"].map { found[$0] == nil } ?? true }
        let taken = try taken(absent, on: connection)
        let used = try used(absent, on: connection)
        for event in events {
            if let id = event.document["_id"], let other = found[id] {
                guard other != event.document else { continue }
                return event.conflict(other.isAt(event) ? "its content is another" : "its id is that of \(other.place)")
            }
            if taken.contains(Place(event.aggregateID, event.version)) {
                return event.conflict("another event, with another id, is at version \(event.version)")
            }
            if let commandID = event.commandID, let version = used[Use(event.aggregateID, commandID)] {
                return event.conflict("its command id was used before, at version \(version)")
            }
        }
        return nil
    }

    /// Which of these places are taken, by whatever event.
    package func taken(
        _ places: [(aggregateID: AggregateID, version: Int64)], on connection: isolated MongoConnection
    ) throws -> [Bool] {
        let taken = try taken(Set(places.map { Place($0.aggregateID, $0.version) }), on: connection)
        return places.map { taken.contains(Place($0.aggregateID, $0.version)) }
    }

    private func taken(_ events: [BulkEvent], on connection: isolated MongoConnection) throws -> Set<Place> {
        try taken(Set(events.map { Place($0.aggregateID, $0.version) }), on: connection)
    }

    private func taken(_ places: Set<Place>, on connection: isolated MongoConnection) throws -> Set<Place> {
        let versions = Dictionary(grouping: places, by: \.aggregateID).map { id, places -> BSONValue in
            [
                "aggregateId": .string(id.rawValue), "version": ["$in": .array(places.map { .int64($0.version) })],
            ]
        }
        var taken: Set<Place> = []
        try each(versions, ["_id": 0, "aggregateId": 1, "version": 1], on: connection) { id, document in
            if let version = try document.first("version")?.int64() { taken.insert(Place(id, version)) }
        }
        return taken
    }

    /// The versions at which the command ids of these events were used.
    private func used(_ events: [BulkEvent], on connection: isolated MongoConnection) throws -> [Use: Int64] {
        let commands = Dictionary(grouping: events.filter { $0.commandID != nil }, by: \.aggregateID).map {
            id, events -> BSONValue in
            [
                "aggregateId": .string(id.rawValue),
                "meta.commandId": ["$in": .array(events.compactMap(\.commandID))],
            ]
        }
        var used: [Use: Int64] = [:]
        try each(commands, ["_id": 0, "aggregateId": 1, "version": 1, "meta.commandId": 1], on: connection) { id, document in
            if let version = try document.first("version")?.int64(),
                let commandID = try document.first("meta")?.document().first("commandId")?.string()
            {
                used[Use(id, .string(commandID))] = version
            }
        }
        return used
    }

    /// Visits what matches any of `conditions`.
    private func each(
        _ conditions: [BSONValue], _ projection: BSONDocument, on connection: isolated MongoConnection,
        visit: (AggregateID, BorrowedDocument) throws -> Void
    ) throws {
        guard !conditions.isEmpty else { return }
        let options = FindOptions(projection: projection)
        try connection.find(["$or": .array(conditions)], in: journal.namespace, options: options) { document in
            if let id = try document.first("aggregateId")?.string() { try visit(try AggregateID(parsing: id), document) }
            return true
        }
    }

    private struct Place: Hashable {
        let aggregateID: AggregateID
        let version: Int64

        init(_ aggregateID: AggregateID, _ version: Int64) { (self.aggregateID, self.version) = (aggregateID, version) }
    }

    private struct Use: Hashable {
        let aggregateID: AggregateID
        /// A text, compared by its bytes.
        let commandID: BSONValue

        init(_ aggregateID: AggregateID, _ commandID: BSONValue) { (self.aggregateID, self.commandID) = (aggregateID, commandID) }
    }
}

extension BulkEvent {
    fileprivate var commandID: BSONValue? {
        guard case .document(let meta) = document["meta"], case .string(let id) = meta["commandId"] else { return nil }
        return .string(id)
    }

    fileprivate func conflict(_ reason: String) -> DaybookError {
        DaybookError(
            .conflict, "the journal has something else where the event at version \(version) should go: \(reason)",
            aggregateID: aggregateID.rawValue, version: version)
    }
}

extension BSONDocument {
    fileprivate func isAt(_ event: BulkEvent) -> Bool {
        guard case .string(let id) = self["aggregateId"] else { return false }
        return id.utf8.elementsEqual(event.aggregateID.rawValue.utf8) && self["version"] == .int64(event.version)
    }

    fileprivate var place: String {
        guard case .string(let id) = self["aggregateId"], case .int64(let version) = self["version"] else {
            return "another event"
        }
        return "\(id) at version \(version)"
    }
}
