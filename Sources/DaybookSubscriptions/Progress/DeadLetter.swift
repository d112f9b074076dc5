internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
public import Foundation

/// An event that a subscription could not handle: a document of `daybook.deadLetters`, `{ _id:
/// <subscription>/<aggregateId>, subscription, aggregateId, version, type, error, code, attempts, since, retry: { by,
/// why, at } }`. Its aggregate is parked: its later events wait.
public struct DeadLetter: Sendable, Hashable {
    /// The subscription.
    public let subscription: String
    /// The aggregate, as `type/key`.
    public let aggregateID: String
    /// The event's version.
    public let version: Int64
    /// The event's stored type.
    public let type: String
    /// What was wrong, for people.
    public let error: String
    /// How often it was tried, the retries that operators asked for included.
    public let attempts: Int
    /// When it was parked first.
    public let since: Date
    /// Whether an operator has asked for it to be tried again.
    public internal(set) var isRetried: Bool
    /// The code of a `DaybookError`; nil for another error.
    let code: String?

    /// The aggregate; nil when a hand has written something else.
    var id: AggregateID? { try? AggregateID(parsing: aggregateID) }

    static func namespace(in database: String) -> Namespace {
        Namespace(database: database, collection: ControlCollection.deadLetters.rawValue)
    }

    static func id(_ subscription: SubscriptionName, _ aggregateID: String) -> BSONValue {
        .string("\(subscription)/\(aggregateID)")
    }

    init?(_ document: BSONDocument) {
        guard let subscription = document["subscription"]?.text, let aggregateID = document["aggregateId"]?.text,
            let version = document["version"]?.integer
        else { return nil }
        self.subscription = subscription
        self.aggregateID = aggregateID
        self.version = version
        type = document["type"]?.text ?? ""
        error = document["error"]?.text ?? ""
        code = document["code"]?.text
        attempts = Int(clamping: document["attempts"]?.integer ?? 0)
        since = document["since"].date ?? Date(timeIntervalSince1970: 0)
        isRetried = document["retry"]?.document != nil
    }

    /// Those of a filter, by subscription and aggregate.
    static func find(
        _ filter: BSONDocument, limit: Int? = nil, in database: String, on connection: isolated MongoConnection
    ) throws -> [DeadLetter] {
        var letters: [DeadLetter] = []
        let options = FindOptions(sort: [("_id", 1)], limit: limit)
        try connection.find(filter, in: namespace(in: database), options: options) { document in
            if let letter = DeadLetter(BSONDocument(document)) { letters.append(letter) }
            return true
        }
        return letters
    }
}

extension DeadLetter {
    /// What is stored of an error, for people. The letter names its aggregate itself.
    static func describe(_ error: any Error, about id: AggregateID) -> String {
        var text = "\(error)"
        if let error = error as? DaybookError, error.aggregateID == id.rawValue { text = error.message }
        return String(text.prefix(2_000))
    }

    /// Parks an aggregate at the event after `version`, in the open transaction or by single writes.
    ///
    /// - Parameter earlier: What parked it until this attempt; nil for nothing.
    /// - Returns: Whether another event parked it until then, or none.
    @discardableResult
    static func park(
        _ id: AggregateID, after version: Int64, error: any Error, attempts: Int, following earlier: DeadLetter? = nil,
        at now: Date, in storage: SubscriptionStorage, of store: DaybookStore, on connection: isolated MongoConnection
    ) throws -> Bool {
        let same = earlier.flatMap { $0.version == version + 1 ? $0 : nil }
        let next: BSONDocument = [
            EventKey.aggregateID: .string(id.rawValue), EventKey.version: .int64(version + 1),
        ]
        let event = try connection.findOne(next, in: store.journal.namespace) { JournalEntry(BSONDocument($0)) }
        var parked: BSONDocument = [
            "version": .int64(version + 1), "error": .string(describe(error, about: id)),
            "attempts": .int32(Int32(clamping: attempts + (same?.attempts ?? 0))),
            "since": .datetime(try BSONDate(same?.since ?? now)), "type": .string(event?.type ?? ""),
        ]
        if let eventID = event?.id { try parked.append("eventId", .binary(BSONBinary(eventID))) }
        if let code = (error as? DaybookError)?.code { try parked.append("code", .string(code.rawValue)) }
        // The letters are those of the collections in use.
        if storage.place != .beside {
            let letter = letter(of: id.rawValue, parked, storage.name)
            try connection.replaceOne(
                ["_id": DeadLetter.id(storage.name, id.rawValue)], with: letter, upsert: true,
                in: namespace(in: store.database))
        }
        // After the letter, for a crash between the two: a parked aggregate without a letter could not be retried.
        try connection.updateOne(
            ["_id": .string(id.rawValue)],
            with: ["$set": ["version": .int64(version), "parked": .document(parked)]], upsert: true,
            in: storage.postings)
        return same == nil
    }

    private static func letter(of id: String, _ parked: BSONDocument, _ name: SubscriptionName) -> BSONDocument {
        var letter: BSONDocument = ["subscription": .string(name.rawValue), "aggregateId": .string(id)]
        // Fails only at 2 GiB, which a stored document does not have.
        for (key, value) in parked.fields { try? letter.append(key, value) }
        return letter
    }

    /// Makes the letters of a subscription those of its postings, after other postings have taken their place.
    static func restore(
        of storage: SubscriptionStorage, in database: String, on connection: isolated MongoConnection
    ) throws {
        var operations: [BulkOperation] = [.deleteMany(["subscription": .string(storage.name.rawValue)])]
        try connection.find(["parked": ["$exists": true]], in: storage.postings) { document in
            let document = BSONDocument(document)
            guard let id = document["_id"]?.text, let parked = document["parked"]?.document else { return true }
            operations.append(
                .replaceOne(
                    ["_id": DeadLetter.id(storage.name, id)], replacement: letter(of: id, parked, storage.name),
                    upsert: true))
            return true
        }
        let result = try connection.bulkWrite(operations, ordered: true, in: namespace(in: database))
        for case .failed(let error) in result.outcomes { throw error }
        for case .unknown(let error) in result.outcomes { throw error }
    }

    /// Deletes the letters of a subscription.
    ///
    /// - Parameter ids: A condition on the aggregates' ids; nil for all.
    static func delete(
        of name: String, where ids: BSONValue? = nil, in database: String, on connection: isolated MongoConnection
    ) throws {
        var filter: BSONDocument = ["subscription": .string(name)]
        if let ids { try filter.append("aggregateId", ids) }
        _ = try connection.bulkWrite([.deleteMany(filter)], ordered: true, in: namespace(in: database))
    }

    /// Lets a parked aggregate go on at its next event, in the open transaction or by single writes.
    ///
    /// - Parameter version: The last event that counts as handled; nil to leave that as it is.
    static func unpark(
        _ id: AggregateID, at version: Int64? = nil, in storage: SubscriptionStorage, of store: DaybookStore,
        on connection: isolated MongoConnection
    ) throws {
        var update: BSONDocument = ["$unset": ["parked": ""]]
        if let version { try update.append("$set", ["version": .int64(version)]) }
        try connection.updateOne(["_id": .string(id.rawValue)], with: update, in: storage.postings)
        try connection.deleteOne(
            ["_id": DeadLetter.id(storage.name, id.rawValue)], in: namespace(in: store.database))
    }
}
