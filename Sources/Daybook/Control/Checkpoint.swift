internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// How far some work has followed the journal: a document of `daybook.checkpoints`, `{ _id: name, token, updatedAt }`.
struct Checkpoint: Sendable {
    let name: String
    let store: DaybookStore

    /// Where to go on; nil when it never got anywhere.
    func load(on connection: isolated MongoConnection) throws -> ResumeToken? {
        try connection.findOne(["_id": .string(name)], in: namespace) { document in
            try document.first("token").map { ResumeToken(BSONDocument(try $0.document())) }
        } ?? nil
    }

    /// Notes that everything before `token` was handled.
    func save(_ token: ResumeToken, on connection: isolated MongoConnection) throws {
        let update: BSONDocument = [
            "$set": ["token": .document(token.document), "updatedAt": .datetime(try BSONDate(store.clock.now()))]
        ]
        try connection.updateOne(["_id": .string(name)], with: update, upsert: true, in: namespace)
    }

    var namespace: Namespace { Namespace(database: store.database, collection: "daybook.checkpoints") }
}
