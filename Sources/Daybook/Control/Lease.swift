package import DaybookBSON
package import DaybookMongo

/// The right of one process to do some work alone, for a while: a document of `daybook.leases`.
///
/// `{ _id: name, holder, epoch, acquiredAt, expiresAt }`. Only the server's clock says whether a lease has expired:
/// each request compares and sets its times by `$$NOW`, so a client's clock may be wrong by any amount. On a sharded
/// cluster it is the router's (https://www.mongodb.com/docs/manual/reference/aggregation-variables/).
///
/// The holder renews the lease. After the death of its holder it expires, and another process may acquire it. A lease
/// is never deleted, and each new holder adds 1 to its epoch: what an earlier holder still sends can be refused by
/// that.
package struct Lease: Sendable, Hashable {
    package let name: String
    package let holder: String
    package let epoch: Int64
    /// When this process asked for it, so that it lasts for at least ``duration`` from then.
    let askedAt: ContinuousClock.Instant

    /// How long it lasts without a renewal.
    package static let duration: Duration = .seconds(15)

    /// Whatever the URI asks for: after an election that takes a write back, two holders would have the lease.
    private static let writeConcern = WriteConcern(.majority)

    /// Acquires the lease if no process holds it, or it has expired; nil when another process holds it.
    ///
    /// A lease that this holder has already is renewed: an earlier request of ours acquired it and was not answered.
    /// A document of the name that is no lease, because it was edited by hand, is taken over.
    ///
    /// One `findAndModify` decides and answers, so no other process can come between the look and the write.
    package static func acquire(
        _ name: String, holder: String, in database: String, on connection: isolated MongoConnection
    ) throws -> Lease? {
        let askedAt = ContinuousClock.now
        let isHeld: BSONDocument = [
            "$and": [
                ["$eq": [["$type": "$holder"], "string"]], ["$eq": [["$type": "$expiresAt"], "date"]],
                ["$gt": ["$expiresAt", "$$NOW"]],
            ]
        ]
        let isOurs: BSONDocument = [
            "$and": [["$eq": ["$holder", ["$literal": .string(holder)]]], ["$eq": [["$type": "$epoch"], "long"]]]
        ]
        let acquired: BSONDocument = [
            "holder": ["$literal": .string(holder)], "epoch": ["$add": [lastEpoch, .int64(1)]], "acquiredAt": "$$NOW",
            "expiresAt": end,
        ]
        let ifHeld: BSONDocument = ["$cond": [.document(isOurs), ["expiresAt": end], [:]]]
        let change: BSONDocument = ["$cond": [.document(isHeld), .document(ifHeld), .document(acquired)]]
        let found: BSONDocument?
        do throws(MongoError) {
            found = try connection.findAndUpdate(
                ["_id": .string(name)], through: [["$replaceWith": ["$mergeObjects": ["$$ROOT", .document(change)]]]],
                upsert: true, in: namespace(in: database), writeConcern: writeConcern)
        } catch  where error.code == .duplicateKey {
            // Two processes inserted the document at the same time, and the other one was first.
            return nil
        }
        guard case .string(let owner) = found?["holder"], owner.hasSameBytes(as: holder),
            case .int64(let epoch) = found?["epoch"]
        else { return nil }
        return Lease(name: name, holder: holder, epoch: epoch, askedAt: askedAt)
    }

    /// The epoch in a stored document, as an expression. It is 0 for what is no number, and for one that cannot grow:
    /// the next holder begins anew. mongosh writes numbers as doubles.
    package static let lastEpoch: BSONValue = [
        "$let": [
            "vars": [
                "last": ["$convert": ["input": "$epoch", "to": "long", "onError": .int64(0), "onNull": .int64(0)]]
            ],
            "in": [
                "$cond": [
                    ["$and": [["$gt": ["$$last", .int64(0)]], ["$lt": ["$$last", .int64(.max)]]]], "$$last", .int64(0),
                ]
            ],
        ]
    ]

    /// When a lease that is acquired or renewed now expires. To a date `$add` adds milliseconds.
    private static let end: BSONValue = ["$add": ["$$NOW", .int64(Int64(duration / .milliseconds(1)))]]

    /// Renews the lease; false when another process has acquired it since. One that has expired is renewed too: an
    /// election may take longer than the lease lasts, and no other process has begun the work meanwhile.
    package func renew(in database: String, on connection: isolated MongoConnection) throws -> Bool {
        try change(["expiresAt": Self.end], in: database, on: connection)
    }

    /// Ends the lease, if it is still held.
    ///
    /// - Parameter epoch: The least epoch that the next holder's has to exceed, where ours does not reach it.
    package func release(
        exceeding epoch: Int64? = nil, in database: String, on connection: isolated MongoConnection
    ) throws {
        var fields: BSONDocument = ["expiresAt": "$$NOW"]
        if let epoch { try fields.append("epoch", .int64(epoch)) }
        _ = try change(fields, in: database, on: connection)
    }

    /// Sets fields of the document, if no other process has acquired the lease since.
    private func change(
        _ fields: BSONDocument, in database: String, on connection: isolated MongoConnection
    ) throws -> Bool {
        try connection.findAndUpdate(
            ["_id": .string(name), "holder": .string(holder), "epoch": .int64(epoch)],
            through: [["$set": .document(fields)]], in: Self.namespace(in: database), writeConcern: Self.writeConcern)
            != nil
    }

    private static func namespace(in database: String) -> Namespace {
        Namespace(database: database, collection: ControlCollection.leases.rawValue)
    }
}
