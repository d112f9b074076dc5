internal import DaybookBSON
package import DaybookMongo
package import Foundation

/// How far some work has followed the journal: a document of `daybook.checkpoints`, `{ _id: name, epoch, token,
/// updatedAt }`.
///
/// The holder of the work's lease writes the lease's epoch there before it reads the place, and each later write asks
/// for that epoch. So a holder that has lost its lease and does not know it yet cannot move the place back.
package struct Checkpoint: Sendable {
    let name: String
    let database: String

    package init(name: String, database: String) {
        self.name = name
        self.database = database
    }

    /// Makes the place that of `lease`'s holder, and returns it; nil when none was ever saved, and for what is no
    /// token.
    ///
    /// - Throws: ``Lease/lost`` when a later epoch stands there. This holder may have the lease all the same, if the
    ///   lease's document was deleted or edited and its epochs began anew. It is released then, and the next holder's
    ///   epoch exceeds the one that stands there.
    func claim(by lease: Lease, on connection: isolated MongoConnection) throws -> ResumeToken? {
        // After an election that takes this back, an earlier holder could move the place: so a majority has it first.
        let found = try connection.findAndUpdate(
            ["_id": .string(name)],
            through: [["$set": ["epoch": ["$max": [Lease.lastEpoch, .int64(lease.epoch)]]]]], upsert: true,
            in: namespace, writeConcern: WriteConcern(.majority))
        if case .int64(let epoch) = found?["epoch"], epoch > lease.epoch {
            try lease.release(exceeding: epoch, in: database, on: connection)
            throw lease.lost
        }
        guard case .document(let token) = found?["token"] else { return nil }
        return ResumeToken(token)
    }

    /// When its place was last saved; nil when it never was.
    package func updatedAt(on connection: isolated MongoConnection) throws -> Date? {
        let found = try connection.findOne(["_id": .string(name)], in: namespace) { BSONDocument($0) }
        guard case .datetime(let date) = found?["updatedAt"] else { return nil }
        return date.date
    }

    /// Saves that everything before `token` was handled.
    ///
    /// - Throws: ``Lease/lost`` when a later holder has claimed the place.
    func save(_ token: ResumeToken, by lease: Lease, on connection: isolated MongoConnection) throws {
        try change(
            ["$set": ["token": .document(token.document)], "$currentDate": ["updatedAt": true]], by: lease,
            on: connection)
    }

    /// Forgets the place: the next ``claim(by:on:)`` returns none.
    ///
    /// - Throws: ``Lease/lost`` when a later holder has claimed the place.
    func forget(by lease: Lease, on connection: isolated MongoConnection) throws {
        // The document stays, since it has the epoch.
        try change(["$unset": ["token": ""]], by: lease, on: connection)
    }

    private func change(_ update: BSONDocument, by lease: Lease, on connection: isolated MongoConnection) throws {
        let claimed: BSONDocument = ["_id": .string(name), "epoch": .int64(lease.epoch)]
        guard try connection.updateOne(claimed, with: update, in: namespace).matched > 0 else { throw lease.lost }
    }

    private var namespace: Namespace {
        Namespace(database: database, collection: ControlCollection.checkpoints.rawValue)
    }
}
