package import DaybookBSON
package import DaybookMongo
internal import Foundation

/// The collection of events of one database, and the queries on it.
package struct Journal: Sendable {
    package let namespace: Namespace

    init(database: String) {
        namespace = Namespace(database: database, collection: CollectionName.journal)
    }

    /// The filter for an aggregate's events from `first` on. It uses the index `{aggregateId: 1, version: 1}`.
    static func events(of id: AggregateID, from first: Int64, through last: Int64? = nil) -> BSONDocument {
        let range: BSONDocument = last.map { ["$gte": .int64(first), "$lte": .int64($0)] } ?? ["$gte": .int64(first)]
        return [EventKey.aggregateID: .string(id.rawValue), EventKey.version: .document(range)]
    }

    /// The condition on `aggregateId` for all aggregates of a type. An id begins with its type, so they are one range
    /// of the index.
    package static func ids(of type: AggregateType) -> BSONDocument {
        IDRange(type).condition
    }

    /// The condition on a field with an aggregate id for all aggregates of some types; none where there are no types.
    package static func condition(on field: String, ofTypes types: [AggregateType]) -> BSONDocument {
        guard !types.isEmpty else { return [:] }
        return ["$or": .array(types.map { [field: .document(ids(of: $0))] })]
    }

    package static let inVersionOrder: [(key: String, direction: Int32)] = [(EventKey.version, 1)]
    /// Projects an event to its aggregate id and version, so that the index alone answers the query.
    package static let places: BSONDocument = [EventKey.id: 0, EventKey.aggregateID: 1, EventKey.version: 1]
    /// The order of the index `{aggregateId: 1, version: 1}`.
    package static let inAggregateOrder: [(key: String, direction: Int32)] = [
        (EventKey.aggregateID, 1), (EventKey.version, 1),
    ]

    /// Visits an aggregate's events in order, each borrowed for its call.
    func read(
        _ id: AggregateID, from first: Int64, through last: Int64? = nil, on connection: isolated MongoConnection,
        visit: (JournalEvent) throws -> Bool
    ) throws {
        try connection.find(
            Self.events(of: id, from: first, through: last), in: namespace,
            options: FindOptions(sort: Self.inVersionOrder)
        ) { document in
            try visit(JournalEvent(document))
        }
    }

    /// Visits what a replay needs of an aggregate's events in order, each borrowed for its call.
    func replay(
        _ id: AggregateID, from first: Int64, through last: Int64? = nil, on connection: isolated MongoConnection,
        visit: (BorrowedEvent) throws -> Bool
    ) throws {
        var type = ""
        try connection.find(
            Self.events(of: id, from: first, through: last), in: namespace,
            options: FindOptions(sort: Self.inVersionOrder)
        ) { document in
            let event = try BorrowedEvent(document, typeBefore: type)
            type = event.type
            return try visit(event)
        }
    }

    /// The last version of an aggregate; 0 when it has no events.
    package func head(of id: AggregateID, on connection: isolated MongoConnection) throws -> Int64 {
        let filter: BSONDocument = [EventKey.aggregateID: .string(id.rawValue)]
        let options = FindOptions(sort: [(EventKey.version, -1)])
        return try connection.findOne(filter, in: namespace, options: options) { try JournalEvent($0).version } ?? 0
    }

    /// The id of the event at `version`; nil when there is none.
    func eventID(of id: AggregateID, at version: Int64, on connection: isolated MongoConnection) throws -> UUID? {
        let filter: BSONDocument = [EventKey.aggregateID: .string(id.rawValue), EventKey.version: .int64(version)]
        return try connection.findOne(filter, in: namespace) { try JournalEvent($0).id }
    }

    /// The commit by which a command took effect on an aggregate, if it did.
    ///
    /// - Throws: ``DaybookError/Code/commandIDReused`` when the id was used for another command.
    func commit(
        of command: CommandIdentity, on id: AggregateID, connection: isolated MongoConnection
    ) throws -> Commit? {
        guard let commandID = command.id else { return nil }
        let filter: BSONDocument = [
            EventKey.aggregateID: .string(id.rawValue), EventKey.commandIDPath: .string(commandID),
        ]
        guard let first = try connection.findOne(filter, in: namespace, decode: { try JournalEvent($0) }) else {
            return nil
        }
        guard !command.isContradicted(by: first.metadata) else {
            throw command.reused(by: first.metadata, first.version)
        }
        var last = first
        let (end, overflow) = first.version.addingReportingOverflow(
            Int64(first.commit.count) - Int64(first.commit.index) - 1)
        try read(id, from: first.version, through: overflow ? nil : end, on: connection) {
            // Another command in the same commit begins with an event that names that command.
            let isOther = $0.metadata.beginsCommand && $0.version != first.version
            guard $0.commit.id == first.commit.id, !isOther else { return false }
            last = $0
            return true
        }
        // A damaged event may have two version fields, and have been found by the second.
        let versions = first.version...max(first.version, last.version)
        return Commit(id: first.commit.id, aggregateID: id, versions: versions, recordedAt: first.recordedAt.date)
    }

    /// What a commit appended to each of its aggregates, in the order of its events; empty when there is no such
    /// commit.
    ///
    /// The ids of a commit's events follow from the commit's id, so one range of ids finds them all.
    func participants(of commitID: UUID, on connection: isolated MongoConnection) throws -> [Commit] {
        let selector: BSONDocument = [EventKey.id: .binary(BSONBinary(commitID))]
        guard let first = try connection.findOne(selector, in: namespace, decode: { try JournalEvent($0) }),
            first.commit.id == commitID,
            let last = EventID(commitID).advanced(by: UInt64(clamping: Int64(first.commit.count) - 1))
        else { return [] }
        let range: BSONDocument = ["$gte": .binary(BSONBinary(commitID)), "$lte": .binary(BSONBinary(last.uuid))]
        var commits: [Commit] = []
        let options = FindOptions(sort: [(EventKey.id, 1)])
        try connection.find([EventKey.id: .document(range)], in: namespace, options: options) { document in
            let event = try JournalEvent(document)
            // Ids of another commit may lie between them, however unlikely that is.
            guard event.commit.id == commitID else { return true }
            let id = try AggregateID(parsing: event.aggregateID)
            var first = event.version
            // The events of one aggregate are adjacent in a commit.
            if let last = commits.last, last.aggregateID == id, last.version < event.version {
                first = last.versions.lowerBound
                commits.removeLast()
            }
            commits.append(
                Commit(
                    id: commitID, aggregateID: id, versions: first...event.version, recordedAt: event.recordedAt.date))
            return true
        }
        return commits
    }
}
