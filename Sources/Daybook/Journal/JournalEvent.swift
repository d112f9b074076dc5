package import DaybookBSON
package import Foundation

/// One document of the journal, apart from its payload, which stays bytes until an aggregate's `Event` is made of it.
///
/// The fields are coded by hand because every append and every replay passes here.
package struct JournalEvent {
    /// The commit an event belongs to: the same `id` for all of its events, also across aggregates. `id` is the id of its first event.
    package struct Commit: Sendable, Hashable {
        package var id: UUID
        package var index: Int32
        package var count: Int32
    }

    package var id: UUID
    var aggregateID: String
    var version: Int64
    var type: String
    var schema: Int32
    package var recordedAt: BSONDate
    var commit: Commit
    var metadata: EventMetadata

    /// The document, with `data` as its payload.
    func document(data: BSONDocument) throws -> BSONDocument {
        var writer = BSONWriter(capacity: 256 + data.bytes.count)
        writer.write(id, forKey: "_id")
        writer.write(aggregateID, forKey: "aggregateId")
        writer.write(version, forKey: "version")
        writer.write(type, forKey: "type")
        writer.write(schema, forKey: "schema")
        writer.write(data, forKey: "data")
        writer.write(recordedAt, forKey: "recordedAt")
        writer.beginDocument("commit")
        writer.write(commit.id, forKey: "id")
        writer.write(commit.index, forKey: "index")
        writer.write(commit.count, forKey: "count")
        writer.end()
        writer.beginDocument("meta")
        metadata.write(to: &writer)
        writer.end()
        return try writer.finish()
    }
}
