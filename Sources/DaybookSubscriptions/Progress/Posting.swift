package import Daybook
package import DaybookBSON
internal import DaybookMongo
package import Foundation

/// How far a subscription has handled one aggregate: a document of `daybook.postings.<subscription>`, `{ _id:
/// aggregateId, version, parked: { version, error, attempts, since, eventId, type, code } }`.
package struct Posting: Sendable {
    /// An event that could not be handled.
    package struct Parked: Sendable, Hashable {
        package let version: Int64
        /// What was wrong, for people.
        package let error: String
        package let attempts: Int
        package let since: Date
    }

    package let id: AggregateID
    /// The last event that was handled; 0 for none.
    package let version: Int64
    /// Why its next event waits; nil when it does not.
    package let parked: Parked?

    /// The version as it is stored, for a compare-and-set. A hand may have written anything.
    private let stored: BSONValue?

    /// Nil for what is of no aggregate.
    package init?(_ document: BSONDocument) {
        guard case .string(let text)? = document["_id"], let id = try? AggregateID(parsing: text) else { return nil }
        self.id = id
        stored = document["version"]
        version = max(0, stored?.integer ?? 0)
        if case .document(let parked)? = document["parked"], let at = parked["version"]?.integer,
            case .datetime(let since)? = parked["since"]
        {
            self.parked = Parked(
                version: at, error: parked["error"]?.text ?? "", attempts: Int(parked["attempts"]?.integer ?? 0),
                since: since.date)
        } else {
            parked = nil
        }
    }

    /// The postings of some aggregates, as the connection's transaction sees them, if it has one.
    static func find(
        _ ids: some Collection<AggregateID>, in postings: Namespace, on connection: isolated MongoConnection
    ) throws -> [AggregateID: Posting] {
        var found: [AggregateID: Posting] = [:]
        guard !ids.isEmpty else { return found }
        let filter: BSONDocument = ["_id": ["$in": .array(ids.map { .string($0.rawValue) })]]
        try connection.find(filter, in: postings) { document in
            if let posting = Posting(BSONDocument(document)) { found[posting.id] = posting }
            return true
        }
        return found
    }

    /// Notes in the open transaction that aggregates were handled up to a version: each only where its posting is still
    /// as it was read.
    ///
    /// - Throws: A ``PostingConflict`` where one is not; the transaction must be aborted then.
    static func advance(
        _ versions: [AggregateID: Int64], from read: [AggregateID: Posting], in postings: Namespace,
        on connection: isolated MongoConnection
    ) throws {
        guard !versions.isEmpty else { return }
        var updates: [BulkOperation] = []
        var inserts: [BulkOperation] = []
        for (id, version) in versions {
            if let posting = read[id] {
                updates.append(
                    .updateOne(
                        [
                            "_id": .string(id.rawValue), "version": .condition(equalTo: posting.stored),
                            "parked": ["$exists": false],
                        ], update: ["$set": ["version": .int64(version)]]))
            } else {
                inserts.append(.insert(["_id": .string(id.rawValue), "version": .int64(version)]))
            }
        }
        do throws(MongoError) {
            let result = try connection.bulkWrite(inserts + updates, ordered: true, in: postings)
            if result.matched == updates.count, result.inserted == inserts.count { return }
        } catch {
            guard error.code == .duplicateKey else { throw error }
        }
        throw PostingConflict()
    }
}

/// Another process has handled events of the same aggregate meanwhile.
struct PostingConflict: Error {}
