internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// The right of one process to do some work alone, for a while: a document of `daybook.leases`.
///
/// `{ _id: name, holder, epoch, acquiredAt, expiresAt }`, by the server's clock. A holder that dies loses it when it expires. The epoch grows with each
/// new holder, so that what an old one still does can be told from the new one's.
struct Lease: Sendable, Hashable {
    let name: String
    let holder: String
    let epoch: Int64

    /// How long it lasts without being renewed; renew it well before.
    static let duration: TimeInterval = 15

    /// Takes the lease if nobody has it, or its time is over.
    static func acquire(
        _ name: String, holder: String, from store: DaybookStore, on connection: isolated MongoConnection
    ) throws -> Lease? {
        store.clock.measureIfDue(on: connection)
        let now = store.clock.now()
        let namespace = namespace(store)
        let taken: BSONDocument = [
            "holder": .string(holder), "acquiredAt": .datetime(try BSONDate(now)),
            "expiresAt": .datetime(try BSONDate(now + duration)),
        ]
        let command: BSONDocument = [
            "findAndModify": .string(namespace.collection),
            "query": ["_id": .string(name), "expiresAt": ["$lte": .datetime(try BSONDate(now))]],
            "update": ["$set": .document(taken), "$inc": ["epoch": .int64(1)]], "upsert": true, "new": true,
        ]
        do {
            let reply = try connection.write(command, database: namespace.database)
            guard case .document(let document) = reply["value"], case .int64(let epoch) = document["epoch"] else { return nil }
            return Lease(name: name, holder: holder, epoch: epoch)
        } catch {
            // Someone holds it: it does not match, and a second one of its name cannot be.
            guard error.code == .duplicateKey else { throw error }
            return nil
        }
    }

    /// Keeps the lease for another while; false when it is lost.
    func renew(in store: DaybookStore, on connection: isolated MongoConnection) throws -> Bool {
        let expiresAt = try BSONDate(store.clock.now() + Self.duration)
        let update: BSONDocument = ["$set": ["expiresAt": .datetime(expiresAt)]]
        return try connection.updateOne(selector, with: update, in: Self.namespace(store)).matched > 0
    }

    /// Gives the lease back, if it is still held.
    func release(in store: DaybookStore, on connection: isolated MongoConnection) throws {
        let update: BSONDocument = ["$set": ["expiresAt": .datetime(try BSONDate(store.clock.now()))]]
        try connection.updateOne(selector, with: update, in: Self.namespace(store))
    }

    private var selector: BSONDocument {
        ["_id": .string(name), "holder": .string(holder), "epoch": .int64(epoch)]
    }

    private static func namespace(_ store: DaybookStore) -> Namespace {
        Namespace(database: store.database, collection: "daybook.leases")
    }
}

extension DaybookStore {
    /// What a lease names its holder by: the machine, the process, and this very store.
    static func holder() -> String {
        "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier):\(UUID().uuidString)"
    }
}
