package import Daybook
package import DaybookBSON
package import DaybookMongo
package import Foundation

/// What all processes know of a subscription: a document of `daybook.subscriptions`, `{ _id: name, kind, delivery,
/// types, version, partitions, state, next, paused: { by, why, at }, audit, build: { version, program, place },
/// members: [{ holder, expiresAt }], changes: [{ what, by, why, at, aggregateId }] }`.
package struct SubscriptionRecord: Sendable {
    /// What a projection's collections go through.
    package enum State: String, Sendable {
        /// No process has made the view yet, with its indexes.
        case new
        /// Events are delivered.
        case live
        /// What was built beside the collections in use takes their place.
        case swapping
        /// The collections in use are made again from the first event.
        case rebuilding
        /// They are removed, and this record last.
        case dropping
    }

    /// A pause that an operator has ordered.
    package struct Pause: Sendable, Hashable {
        package let by: String
        package let why: String
        package let at: Date?
    }

    /// What an operator has changed, and why.
    package struct Change: Sendable, Hashable {
        package let what: String
        package let by: String
        package let why: String
        package let at: Date?
        package let aggregateID: String?
    }

    package let name: String
    package let kind: String
    package let delivery: String
    package let types: [AggregateType]
    package let version: Int32
    package let partitions: Int
    package let state: State
    /// The version of the documents that are about to take the place of those in use.
    let next: Int32?
    package let pause: Pause?
    /// Raised when an operator asks for an audit.
    let audit: Int64
    /// Which build of a projection has been begun, for a later process to go on with; see ``ProjectionBuild``.
    let build: BSONDocument?
    /// The processes that share the work.
    package let members: [String]
    /// The newest last.
    package let changes: [Change]

    /// Nil for what no subscription has written.
    ///
    /// - Parameter now: Without the processes that have died by then; nil for all.
    package init?(_ document: BSONDocument, at now: Date? = nil) {
        guard let name = document["_id"]?.text, let kind = document["kind"]?.text,
            let delivery = document["delivery"]?.text, let version = document["version"]?.integer,
            let partitions = document["partitions"]?.integer, partitions > 0
        else { return nil }
        self.name = name
        self.kind = kind
        self.delivery = delivery
        self.version = Int32(clamping: version)
        self.partitions = Int(clamping: min(partitions, 1024))
        types = document["types"].elements.compactMap { $0.text.flatMap(AggregateType.init(rawValue:)) }
        state = document["state"]?.text.flatMap(State.init) ?? .live
        next = document["next"]?.integer.map { Int32(clamping: $0) }
        pause = document["paused"]?.document.map {
            Pause(by: $0["by"]?.text ?? "", why: $0["why"]?.text ?? "", at: $0["at"].date)
        }
        audit = document["audit"]?.integer ?? 0
        build = document["build"]?.document
        members = document["members"].elements.compactMap(\.document).compactMap { member in
            if let now, let end = member["expiresAt"].date, end <= now { return nil }
            return member["holder"]?.text
        }
        changes = document["changes"].elements.compactMap(\.document).map {
            Change(
                what: $0["what"]?.text ?? "", by: $0["by"]?.text ?? "", why: $0["why"]?.text ?? "", at: $0["at"].date,
                aggregateID: $0["aggregateId"]?.text)
        }
    }

    /// The name under which the runs of a projection are recorded and its maintenance is leased.
    package static func subject(_ name: String) -> String { "view.\(name)" }

    static func namespace(in database: String) -> Namespace {
        Namespace(database: database, collection: ControlCollection.subscriptions.rawValue)
    }

    /// All records, by name.
    ///
    /// - Parameter now: Without the processes that have died by then; nil for all.
    package static func all(
        in database: String, at now: Date? = nil, on connection: isolated MongoConnection
    ) throws -> [SubscriptionRecord] {
        var records: [SubscriptionRecord] = []
        try connection.find([:], in: namespace(in: database), options: FindOptions(sort: [("_id", 1)])) { document in
            if let record = SubscriptionRecord(BSONDocument(document), at: now) { records.append(record) }
            return true
        }
        return records
    }

    /// The record of one subscription; nil when no process has run it yet.
    package static func find(
        _ name: SubscriptionName, in database: String, on connection: isolated MongoConnection
    ) throws -> SubscriptionRecord? {
        try connection.findOne(["_id": .string(name.rawValue)], in: namespace(in: database)) {
            SubscriptionRecord(BSONDocument($0))
        } ?? nil
    }
}

// MARK: Writing

extension SubscriptionRecord {
    /// Whatever the URI asks for: after an election that takes a write back, a pause would end by itself.
    static let writeConcern = WriteConcern(.majority)

    /// Notes that a process wants to share the work, and forgets those that have not said so for as long as a lease
    /// lasts. Makes the record where there is none. The server's clock decides, as for a ``Daybook/Lease``.
    ///
    /// - Parameter holder: The process; nil to make the record only.
    static func join(
        _ subscription: Subscription, holder: String?, in database: String, on connection: isolated MongoConnection
    ) throws -> SubscriptionRecord {
        let others: BSONValue = [
            "$filter": [
                "input": ["$cond": [["$isArray": "$members"], "$members", []]],
                "cond": [
                    "$and": [
                        ["$gt": ["$$this.expiresAt", "$$NOW"]],
                        ["$ne": ["$$this.holder", ["$literal": .string(holder ?? "")]]],
                    ]
                ],
            ]
        ]
        let lease = Int64(Lease.duration / .milliseconds(1))
        let ours: BSONValue =
            holder.map {
                [
                    [
                        "holder": ["$literal": .string($0)],
                        "expiresAt": ["$add": ["$$NOW", .int64(lease)]],
                    ]
                ]
            } ?? []
        // A process of another version delivers nothing, so it gets no part of the work. What is there already is kept,
        // but for the types: those of the program whose documents are in use.
        let initial = subscription.newRecord
        let version = BSONValue.int32(subscription.version)
        let isInUse: BSONValue = ["$eq": [["$ifNull": ["$version", version]], version]]
        let types: BSONValue = ["$cond": [isInUse, ["types": initial["types"] ?? []], [:]]]
        let member: BSONValue = ["$cond": [isInUse, ours, []]]
        let stage: BSONDocument = [
            "$replaceWith": [
                "$mergeObjects": [
                    .document(initial), "$$ROOT", types, ["members": ["$concatArrays": [others, member]]],
                ]
            ]
        ]
        let selector: BSONDocument = ["_id": .string(subscription.name.rawValue)]
        let found = try makeOrUpdate(selector, through: stage, in: database, on: connection)
        guard let record = found.flatMap({ SubscriptionRecord($0) }) else {
            throw DaybookError(
                .server,
                "the record of the subscription \"\(subscription.name)\" in \(ControlCollection.subscriptions) cannot "
                    + "be read: it was edited by hand. Delete it; it is made again")
        }
        return record
    }

    private static func makeOrUpdate(
        _ selector: BSONDocument, through stage: BSONDocument, in database: String,
        on connection: isolated MongoConnection
    ) throws(MongoError) -> BSONDocument? {
        do throws(MongoError) {
            return try connection.findAndUpdate(
                selector, through: [stage], upsert: true, in: namespace(in: database), writeConcern: writeConcern)
        } catch {
            guard error.code == .duplicateKey else { throw error }
        }
        // Two processes made it at the same time.
        return try connection.findAndUpdate(
            selector, through: [stage], upsert: true, in: namespace(in: database), writeConcern: writeConcern)
    }

    /// Notes that a process shares the work no longer.
    static func leave(
        _ name: SubscriptionName, holder: String, in database: String, on connection: isolated MongoConnection
    ) throws {
        try connection.updateOne(
            ["_id": .string(name.rawValue)], with: ["$pull": ["members": ["holder": .string(holder)]]],
            in: namespace(in: database))
    }

    /// Changes a record, and notes who did it and why.
    ///
    /// - Returns: False where no record is as `condition` says.
    @discardableResult
    static func change(
        _ name: SubscriptionName, if condition: BSONDocument = [:], by update: BSONDocument, noting change: Change?,
        in database: String, on connection: isolated MongoConnection
    ) throws -> Bool {
        var selector: BSONDocument = ["_id": .string(name.rawValue)]
        for (key, value) in condition.fields { try selector.append(key, value) }
        var update = update
        if let change {
            var entry: BSONDocument = [
                "what": .string(change.what), "by": .string(change.by), "why": .string(change.why),
                "at": .datetime(try BSONDate(change.at ?? Date())),
            ]
            if let id = change.aggregateID { try entry.append("aggregateId", .string(id)) }
            try update.append("$push", ["changes": ["$each": [.document(entry)], "$slice": .int32(-100)]])
        }
        // A transaction has a write concern of its own.
        return try connection.updateOne(
            selector, with: update, in: namespace(in: database),
            writeConcern: connection.isInTransaction ? nil : writeConcern
        ).matched > 0
    }
}

extension Subscription {
    /// The record of a subscription that no process has run yet.
    var newRecord: BSONDocument {
        [
            "_id": .string(name.rawValue), "kind": .string(kind.rawValue), "delivery": .string(delivery.rawValue),
            "types": .array(types.map { .string($0.rawValue) }), "version": .int32(version),
            "partitions": .int32(Int32(delivery == .posted ? Partitions.count : 1)),
            // Events come to a view only after its indexes.
            "state": .string((kind == .projection ? SubscriptionRecord.State.new : .live).rawValue),
        ]
    }
}
