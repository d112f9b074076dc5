internal import DaybookBSON
package import DaybookMongo

/// Aggregate ids drawn at random from the journal's events. Long work is divided and estimated by them.
package struct JournalSample: Sendable {
    private static let size: Int64 = 128

    /// Sorted by their bytes.
    private(set) var ids: [String] = []
    /// The approximate number of events in the journal.
    package private(set) var events = 0

    /// - Parameter drawsIDs: Whether to draw ids, and not only to count. For a small sample of a large collection
    ///   MongoDB uses a random cursor and no scan:
    ///   https://www.mongodb.com/docs/manual/reference/operator/aggregation/sample/
    package init(of journal: Journal, drawsIDs: Bool, on connection: isolated MongoConnection) throws {
        let reply = try connection.read(
            ["count": .string(journal.namespace.collection)], database: journal.namespace.database)
        events = Int(reply["n"]?.number ?? 0)
        guard drawsIDs, events > 0 else { return }
        let pipeline: [BSONDocument] = [
            ["$sample": ["size": .int64(Self.size)]], ["$project": [EventKey.id: 0, EventKey.aggregateID: 1]],
        ]
        try connection.aggregate(pipeline, in: journal.namespace, options: FindOptions(reads: .onPrimary(.local))) {
            document in
            if let id = try? document.first(EventKey.aggregateID)?.string() { ids.append(id) }
            return true
        }
        ids.sort { $0.isBefore($1) }
    }

    /// At most `count` ranges that together are `range` and have about the same number of events.
    package func parts(of range: IDRange, count: Int) -> [IDRange] {
        let inside = ids.filter(range.contains)
        guard count > 1, inside.count >= count else { return [range] }
        let boundaries = (1..<count).map { inside[$0 * inside.count / count] }
        return range.split(at: boundaries)
    }

    /// The approximate number of events in some ranges.
    package func events(in ranges: [IDRange]) -> Int {
        guard !ids.isEmpty else { return events }
        let inside = ids.filter { id in ranges.contains { $0.contains(id) } }
        return events * inside.count / ids.count
    }
}
