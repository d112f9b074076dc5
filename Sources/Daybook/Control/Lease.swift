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

    /// Whatever the URI asks for: an election must not give the lease to two holders by taking back what one has written.
    private static let writeConcern = WriteConcern(.majority)

    /// Takes the lease if no process has it, or its time is over.
    ///
    /// A document of its name that is no lease, because it was edited by hand, is taken over. So is an epoch that is no `int64`: mongosh writes
    /// numbers as doubles.
    static func acquire(
        _ name: String, holder: String, in database: String, clock: ServerClock, on connection: isolated MongoConnection
    ) throws -> Lease? {
        clock.measureIfDue(on: connection)
        let now = clock.now()
        let namespace = namespace(in: database)
        let found = try connection.findOne(["_id": .string(name)], in: namespace) { BSONDocument($0) }
        if let held = found.flatMap(HeldLease.init), held.expiresAt > now {
            // By us: a request of ours that was not answered has taken it.
            guard held.holder.hasSameBytes(as: holder), case .int64(let epoch)? = found?["epoch"] else { return nil }
            let lease = Lease(name: name, holder: holder, epoch: epoch)
            return try lease.renew(in: database, clock: clock, on: connection) ? lease : nil
        }
        let epoch = nextEpoch(after: found?["epoch"])
        let taken: BSONDocument = [
            "holder": .string(holder), "epoch": .int64(epoch), "acquiredAt": .datetime(try BSONDate(now)),
            "expiresAt": .datetime(try BSONDate(now + duration)),
        ]
        if let found {
            // Only as it was seen: another process may have taken it since. Each taker writes a name of its own.
            var seen: BSONDocument = ["_id": .string(name)]
            for field in ["holder", "epoch", "expiresAt"] { try seen.append(field, .condition(equalTo: found[field])) }
            let update: BSONDocument = ["$set": .document(taken)]
            let result = try connection.updateOne(seen, with: update, in: namespace, writeConcern: writeConcern)
            guard result.matched > 0 else { return nil }
        } else {
            do {
                var document: BSONDocument = ["_id": .string(name)]
                for (key, value) in taken.fields { try document.append(key, value) }
                try connection.insert([document], into: namespace, writeConcern: writeConcern)
            } catch let error as MongoError where error.code == .duplicateKey {
                return nil
            }
        }
        return Lease(name: name, holder: holder, epoch: epoch)
    }

    /// The epoch of the next holder. After what is no number, or one that cannot grow, it begins anew.
    private static func nextEpoch(after epoch: BSONValue?) -> Int64 {
        let last: Int64?
        if case .int64(let number) = epoch {
            last = number
        } else {
            last = epoch?.number.flatMap { Int64(exactly: $0.rounded(.up)) }
        }
        guard let last, last > 0, last < .max else { return 1 }
        return last + 1
    }

    /// Keeps the lease for another while; false when it is lost.
    func renew(in database: String, clock: ServerClock, on connection: isolated MongoConnection) throws -> Bool {
        let expiresAt = try BSONDate(clock.now() + Self.duration)
        let update: BSONDocument = ["$set": ["expiresAt": .datetime(expiresAt)]]
        return try write(update, in: database, on: connection).matched > 0
    }

    /// Gives the lease back, if it is still held.
    func release(in database: String, clock: ServerClock, on connection: isolated MongoConnection) throws {
        let update: BSONDocument = ["$set": ["expiresAt": .datetime(try BSONDate(clock.now()))]]
        _ = try write(update, in: database, on: connection)
    }

    private func write(
        _ update: BSONDocument, in database: String, on connection: isolated MongoConnection
    ) throws -> UpdateResult {
        try connection.updateOne(
            selector, with: update, in: Self.namespace(in: database), writeConcern: Self.writeConcern)
    }

    private var selector: BSONDocument {
        ["_id": .string(name), "holder": .string(holder), "epoch": .int64(epoch)]
    }

    private static func namespace(in database: String) -> Namespace {
        Namespace(database: database, collection: ControlCollection.leases.rawValue)
    }
}
