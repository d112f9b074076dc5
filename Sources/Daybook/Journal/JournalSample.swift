internal import DaybookBSON
package import DaybookMongo

/// Some ids of the journal, drawn at random from its events, by which work is cut into parts and estimated.
package struct JournalSample: Sendable {
    private static let size: Int64 = 128

    /// By their bytes.
    private(set) var ids: [String] = []
    /// About how many events the journal has.
    package private(set) var events = 0

    /// - Parameter drawsIDs: Whether ids are wanted. A small sample of a large collection costs MongoDB a random cursor, and no scan:
    ///   https://www.mongodb.com/docs/manual/reference/operator/aggregation/sample/
    package init(of journal: Journal, drawsIDs: Bool, on connection: isolated MongoConnection) throws {
        let reply = try connection.read(["count": .string(journal.namespace.collection)], database: journal.namespace.database)
        events = Int(reply["n"]?.number ?? 0)
        guard drawsIDs, events > 0 else { return }
        let pipeline: [BSONDocument] = [
            ["$sample": ["size": .int64(Self.size)]], ["$project": [EventKey.id: 0, EventKey.aggregateID: 1]],
        ]
        try connection.aggregate(pipeline, in: journal.namespace, options: FindOptions(reads: .onPrimary(.local))) { document in
            if let id = try? document.first(EventKey.aggregateID)?.string() { ids.append(id) }
            return true
        }
        ids.sort { $0.isBefore($1) }
    }

    /// At most `count` ranges that make up `range` and have about the same work.
    package func parts(of range: IDRange, count: Int) -> [IDRange] {
        let inside = ids.filter(range.contains)
        guard count > 1, inside.count >= count else { return [range] }
        let boundaries = (1..<count).map { inside[$0 * inside.count / count] }
        return range.split(at: boundaries)
    }

    /// About how many events some ranges have.
    package func events(in ranges: [IDRange]) -> Int {
        guard !ids.isEmpty else { return events }
        let inside = ids.filter { id in ranges.contains { $0.contains(id) } }
        return events * inside.count / ids.count
    }
}
