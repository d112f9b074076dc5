package import DaybookBSON
package import DaybookMongo
internal import Foundation

/// Compares events that are to be inserted into the journal with the events stored there.
package struct EventComparison: Sendable {
    let journal: Journal

    package init(journal: Journal) {
        self.journal = journal
    }

    /// Those of `events` that are stored, to the byte.
    package func present(
        _ events: some Collection<StoredEvent>, on connection: isolated MongoConnection
    ) throws -> Set<BSONDocument> {
        let wanted = Set(events.map(\.document))
        return Set(try found(events, on: connection).values.map(\.document)).intersection(wanted)
    }

    /// The stored events with the ids of these events.
    private func found(
        _ events: some Collection<StoredEvent>, on connection: isolated MongoConnection
    ) throws -> [UUID: JournalEntry] {
        var found: [UUID: JournalEntry] = [:]
        guard !events.isEmpty else { return found }
        let ids = events.map { BSONValue.binary(BSONBinary($0.id)) }
        try connection.find([EventKey.id: ["$in": .array(ids)]], in: journal.namespace) { document in
            let entry = JournalEntry(BSONDocument(document))
            if let id = entry.id { found[id] = entry }
            return true
        }
        return found
    }

    /// Why the first conflicting one of `events` cannot be inserted: another event has its id, its version or its
    /// command id. Nil when each event can be inserted or is already stored.
    package func firstConflict(
        in events: [StoredEvent], on connection: isolated MongoConnection
    ) throws -> DaybookError? {
        let found = try found(events, on: connection)
        let absent = events.filter { found[$0.id] == nil }
        let taken = try taken(Set(absent.map { Place($0.aggregateID, $0.version) }), on: connection)
        let used = try used(absent, on: connection)
        for event in events {
            if let other = found[event.id] {
                guard other.document != event.document else { continue }
                return event.conflict(other.isAt(event) ? "its content is another" : "its id is that of \(other.place)")
            }
            if taken.contains(Place(event.aggregateID, event.version)) {
                return event.conflict("another event, with another id, is at version \(event.version)")
            }
            if let command = event.command, let version = used[command] {
                return event.conflict("its command id was used before, at version \(version)")
            }
        }
        return nil
    }

    /// Whether an event is stored at each of these places.
    package func taken(
        _ places: [(aggregateID: AggregateID, version: Int64)], on connection: isolated MongoConnection
    ) throws -> [Bool] {
        let taken = try taken(Set(places.map { Place($0.aggregateID, $0.version) }), on: connection)
        return places.map { taken.contains(Place($0.aggregateID, $0.version)) }
    }

    private func taken(_ places: Set<Place>, on connection: isolated MongoConnection) throws -> Set<Place> {
        let versions = Dictionary(grouping: places, by: \.aggregateID).map { id, places -> BSONValue in
            [
                EventKey.aggregateID: .string(id.rawValue),
                EventKey.version: ["$in": .array(places.map { .int64($0.version) })],
            ]
        }
        var taken: Set<Place> = []
        try each(versions, Journal.places, on: connection) { id, version, _ in taken.insert(Place(id, version)) }
        return taken
    }

    /// The versions at which the command ids of these events were already used.
    private func used(_ events: [StoredEvent], on connection: isolated MongoConnection) throws -> [Command: Int64] {
        let commands = Dictionary(grouping: events.compactMap(\.command), by: \.aggregateID).map {
            id, commands -> BSONValue in
            [
                EventKey.aggregateID: .string(id.rawValue),
                EventKey.commandIDPath: ["$in": .array(commands.map(\.id))],
            ]
        }
        let projection: BSONDocument = [
            EventKey.id: 0, EventKey.aggregateID: 1, EventKey.version: 1, EventKey.commandIDPath: 1,
        ]
        var used: [Command: Int64] = [:]
        try each(commands, projection, on: connection) { id, version, metadata in
            if let command = Command(id, metadata) { used[command] = version }
        }
        return used
    }

    /// Visits the events that match any of `conditions`.
    private func each(
        _ conditions: [BSONValue], _ projection: BSONDocument, on connection: isolated MongoConnection,
        visit: (AggregateID, Int64, EventMetadata) throws -> Void
    ) throws {
        guard !conditions.isEmpty else { return }
        let options = FindOptions(projection: projection)
        try connection.find(["$or": .array(conditions)], in: journal.namespace, options: options) { document in
            let entry = JournalEntry(BSONDocument(document))
            if let id = entry.aggregateID, let version = entry.version {
                try visit(try AggregateID(parsing: id), version, entry.metadata)
            }
            return true
        }
    }

    private struct Place: Hashable {
        let aggregateID: AggregateID
        let version: Int64

        init(_ aggregateID: AggregateID, _ version: Int64) {
            self.aggregateID = aggregateID
            self.version = version
        }
    }

    fileprivate struct Command: Hashable {
        let aggregateID: AggregateID
        /// A string, as a value that compares by its bytes.
        let id: BSONValue

        init?(_ aggregateID: AggregateID, _ metadata: EventMetadata) {
            guard let id = metadata.commandID else { return nil }
            self.aggregateID = aggregateID
            self.id = .string(id)
        }
    }
}

extension StoredEvent {
    fileprivate var command: EventComparison.Command? { EventComparison.Command(aggregateID, metadata) }

    fileprivate func conflict(_ reason: String) -> DaybookError {
        DaybookError(
            .conflict, "the journal has something else where the event at version \(version) should go: \(reason)",
            aggregateID: aggregateID.rawValue, version: version)
    }
}

extension JournalEntry {
    fileprivate func isAt(_ event: StoredEvent) -> Bool {
        aggregateID?.hasSameBytes(as: event.aggregateID.rawValue) == true && version == event.version
    }

    fileprivate var place: String {
        guard let aggregateID, let version else { return "another event" }
        return "\(aggregateID) at version \(version)"
    }
}
