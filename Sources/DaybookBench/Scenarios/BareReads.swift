internal import DaybookBSON

/// The finds that read an aggregate's snapshot and the events after it, as Daybook sends them.
enum BareReads {
    static let concern: BSONDocument = ["readConcern": ["level": "majority"]]
    static let one: BSONDocument = ["limit": .int64(1), "readConcern": ["level": "majority"]]
    static let inOrder: BSONDocument = ["sort": ["version": 1], "readConcern": ["level": "majority"]]

    static func snapshot(_ id: String, in collection: String) -> BareStep {
        .find(in: collection, ["_id": .string(id)], options: one)
    }

    static func events(_ id: String, from version: Int64) -> BareStep {
        .find(in: "journal", ["aggregateId": .string(id), "version": ["$gte": .int64(version)]], options: inOrder)
    }
}
