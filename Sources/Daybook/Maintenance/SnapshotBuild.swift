package import DaybookBSON
package import Foundation

/// A collection that a swap builds, known by the UUID that the server gave it: a rename keeps it, and no other
/// collection ever has it.
///
/// https://www.mongodb.com/docs/manual/reference/command/listCollections/
package struct SnapshotBuild: Sendable, Hashable {
    /// The name it was made with, or was last moved to. It may have been renamed since, or dropped.
    package var collection: String
    package var uuid: UUID

    package init(collection: String, uuid: UUID) {
        self.collection = collection
        self.uuid = uuid
    }

    package init?(_ document: BSONDocument) {
        guard let collection = document["collection"]?.text, let uuid = document["uuid"]?.uuid else { return nil }
        self.init(collection: collection, uuid: uuid)
    }

    var document: BSONDocument { ["collection": .string(collection), "uuid": .binary(BSONBinary(uuid))] }
}
