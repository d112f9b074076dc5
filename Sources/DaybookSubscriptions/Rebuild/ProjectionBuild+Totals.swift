internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

extension ProjectionBuild {
    /// What a build has made so far.
    struct Totals: Sendable {
        var documents = 0
        /// By the postings, which are written with what they count: an event that came twice counts once.
        var events = 0
        /// Aggregates of which an event could not be handled.
        var parked = 0
    }

    /// What is there now of what is built. It looks at each document and each posting.
    func totals() async throws -> Totals { try await Self.totals(of: storage, in: store) }

    static func totals(of storage: SubscriptionStorage, in store: DaybookStore) async throws -> Totals {
        try await store.client.withConnection(.single) { connection in
            var totals = Totals()
            totals.documents = try connection.count([:], in: storage.view)
            totals.parked = try connection.count(["parked": ["$exists": true]], in: storage.postings)
            let sum: BSONDocument = ["$group": ["_id": 1, "events": ["$sum": "$version"]]]
            try connection.aggregate([sum], in: storage.postings) { document in
                totals.events = Int(clamping: BSONDocument(document)["events"]?.integer ?? 0)
                return false
            }
            return totals
        }
    }

    /// About how many documents there are of what is built; it costs next to nothing.
    func estimatedDocuments() async throws -> Int {
        // Without a query, the number comes from the collection's metadata.
        // https://www.mongodb.com/docs/manual/reference/command/count/
        let reply = try await store.client.withConnection(.single) {
            try $0.read(["count": .string(storage.view.collection)], database: storage.view.database)
        }
        return Int(clamping: reply["n"]?.integer ?? 0)
    }
}
