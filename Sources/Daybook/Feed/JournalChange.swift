package import DaybookBSON
internal import DaybookMongo
package import Foundation

/// What a change stream of the database shows to those who follow its journal.
package enum JournalChange: Sendable {
    /// An event that has just become visible to a majority.
    case event(FeedEvent)
    /// A ``Mark`` that this process or another one has written, and when it was committed; nil where the server does not
    /// say.
    case mark(UUID, BSONTimestamp?)
    /// Another change, which the stream shows because its pipeline is the same for every reader.
    case other

    /// When it was committed; nil where that is not known.
    var time: BSONTimestamp? {
        switch self {
        case .event(let event): event.clusterTime
        case .mark(_, let time): time
        case .other: nil
        }
    }
}

extension JournalChange {
    /// The one filter of every stream: a stream can only be resumed with the pipeline that it was opened with. What a
    /// reader does not want, it leaves out itself.
    ///
    /// On a database's stream, the drop of a collection is an event, and ends nothing:
    /// https://www.mongodb.com/docs/manual/reference/change-events/drop/
    static let filter: BSONDocument = {
        let journal: BSONValue = .string(CollectionName.journal)
        let followed: BSONValue = ["$in": [journal, .string(ControlCollection.marks.rawValue)]]
        return [
            "$or": [
                ["operationType": "insert", "ns.coll": followed],
                ["operationType": ["$in": ["drop", "rename"]], "ns.coll": journal],
                ["operationType": "rename", "to.coll": journal],
                ["operationType": "dropDatabase"],
            ]
        ]
    }()

    /// What the stream sends of each change. It shows where an event is, and not what the event holds: a change is
    /// larger than its document, and the server ends a stream with a change of more than 16 MiB, so an event of nearly
    /// that size could not be shown whole.
    /// https://www.mongodb.com/docs/manual/administration/change-streams-production-recommendations/
    static let fields = [
        "ns", "documentKey", EventKey.changedAggregateIDPath, EventKey.changedVersionPath, "clusterTime",
    ]

    /// - Parameter change: https://www.mongodb.com/docs/manual/reference/change-events/
    /// - Throws: ``DaybookError/Code/journalGone``
    init(_ change: BorrowedDocument) throws {
        guard try change.first("operationType")?.string() == "insert" else {
            throw DaybookError(
                .journalGone,
                "the journal was dropped or renamed while it was followed, or another collection was renamed over it")
        }
        guard try change.first("ns")?.document().first("coll")?.string() == CollectionName.journal else {
            let id = try? change.first("documentKey")?.document().first("_id")?.uuid()
            self = id.map { .mark($0, try? change.first("clusterTime")?.timestamp()) } ?? .other
            return
        }
        self = .event(try FeedEvent(change))
    }
}
