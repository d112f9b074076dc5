internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The collection of events of one database, and how it is asked.
struct Journal: Sendable {
    let namespace: Namespace

    init(database: String) {
        namespace = Namespace(database: database, collection: "journal")
    }

    /// The filter of an aggregate's events from `first` on, for the index `{aggregateId: 1, version: 1}`.
    static func events(of id: AggregateID, from first: Int64, through last: Int64? = nil) -> BSONDocument {
        let range: BSONDocument = last.map { ["$gte": .int64(first), "$lte": .int64($0)] } ?? ["$gte": .int64(first)]
        return ["aggregateId": .string(id.rawValue), "version": .document(range)]
    }

    static let inVersionOrder: [(key: String, direction: Int32)] = [("version", 1)]

    /// Visits an aggregate's events in order, each borrowed for its call.
    func read(
        _ id: AggregateID, from first: Int64, through last: Int64? = nil, on connection: isolated MongoConnection,
        visit: (BorrowedJournalEvent) throws -> Bool
    ) throws {
        try connection.find(
            Self.events(of: id, from: first, through: last), in: namespace, options: FindOptions(sort: Self.inVersionOrder)
        ) { document in
            try visit(BorrowedJournalEvent(document))
        }
    }

    /// The last version of an aggregate; 0 when it has no events.
    func head(of id: AggregateID, on connection: isolated MongoConnection) throws -> Int64 {
        let filter: BSONDocument = ["aggregateId": .string(id.rawValue)]
        let options = FindOptions(sort: [("version", -1)])
        return try connection.findOne(filter, in: namespace, options: options) { try BorrowedJournalEvent($0).event.version } ?? 0
    }

    /// The id of the event at one place, where there is one.
    func eventID(of id: AggregateID, at version: Int64, on connection: isolated MongoConnection) throws -> UUID? {
        let filter: BSONDocument = ["aggregateId": .string(id.rawValue), "version": .int64(version)]
        return try connection.findOne(filter, in: namespace) { try BorrowedJournalEvent($0).event.id }
    }

    /// The commit by which a command took effect on an aggregate, if it did.
    func commit(of commandID: String, on id: AggregateID, connection: isolated MongoConnection) throws -> Commit? {
        let filter: BSONDocument = ["aggregateId": .string(id.rawValue), "meta.commandId": .string(commandID)]
        guard let first = try connection.findOne(filter, in: namespace, decode: { try BorrowedJournalEvent($0).event }) else {
            return nil
        }
        var last = first
        let (end, overflow) = first.version.addingReportingOverflow(Int64(first.commit.count) - Int64(first.commit.index) - 1)
        try read(id, from: first.version, through: overflow ? nil : end, on: connection) {
            // Another command of the same commit begins with an id of its own.
            let isOther = $0.event.metadata.commandID != nil && $0.event.version != first.version
            guard $0.event.commit.id == first.commit.id, !isOther else { return false }
            last = $0.event
            return true
        }
        return Commit(
            id: first.commit.id, aggregateID: id, versions: first.version...last.version, recordedAt: first.recordedAt.date)
    }
}
