internal import DaybookBSON
internal import DaybookMongo
package import Foundation

/// A document of `daybook.marks`, `{ _id, at }`, written so that the tail brings it back: what was read before a mark
/// was written was committed before the mark comes back.
///
/// The server deletes marks after an hour, by a TTL index that `initialize` makes.
package struct Mark: Sendable, Hashable {
    package let id = UUID()

    func write(in database: String, on connection: isolated MongoConnection) throws {
        let namespace = Namespace(database: database, collection: ControlCollection.marks.rawValue)
        try connection.insert(
            [["_id": .binary(BSONBinary(id)), "at": .datetime(try BSONDate(Date()))]], into: namespace)
    }
}
