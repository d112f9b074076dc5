internal import DaybookBSON
package import DaybookMongo
package import Foundation

/// How far some work has followed the journal: a document of `daybook.checkpoints`, `{ _id: name, token, updatedAt }`.
package struct Checkpoint: Sendable {
    let name: String
    let database: String
    let clock: ServerClock

    package init(name: String, database: String, clock: ServerClock) {
        self.name = name
        self.database = database
        self.clock = clock
    }

    /// Where to go on; nil when it never got anywhere, and for what is no token.
    func load(on connection: isolated MongoConnection) throws -> ResumeToken? {
        guard case .document(let token) = try stored(on: connection)?["token"] else { return nil }
        return ResumeToken(token)
    }

    /// When its place was last noted; nil when it never was.
    package func updatedAt(on connection: isolated MongoConnection) throws -> Date? {
        guard case .datetime(let date) = try stored(on: connection)?["updatedAt"] else { return nil }
        return date.date
    }

    private func stored(on connection: isolated MongoConnection) throws -> BSONDocument? {
        try connection.findOne(["_id": .string(name)], in: namespace) { BSONDocument($0) }
    }

    /// Notes that everything before `token` was handled.
    func save(_ token: ResumeToken, on connection: isolated MongoConnection) throws {
        let update: BSONDocument = [
            "$set": ["token": .document(token.document), "updatedAt": .datetime(try BSONDate(clock.now()))]
        ]
        try connection.updateOne(["_id": .string(name)], with: update, upsert: true, in: namespace)
    }

    /// Forgets the place: the next ``load(on:)`` gives none.
    func forget(on connection: isolated MongoConnection) throws {
        // Not a delete, which the role of a service does not allow.
        try connection.updateOne(["_id": .string(name)], with: ["$unset": ["token": ""]], in: namespace)
    }

    private var namespace: Namespace {
        Namespace(database: database, collection: ControlCollection.checkpoints.rawValue)
    }
}
