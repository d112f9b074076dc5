package import Daybook
internal import DaybookBSON
package import DaybookMongo
internal import Foundation

/// Compares the postings of a subscription with the journal, side by side: both come in the order of aggregate ids, the
/// journal from its index alone, so memory does not grow with them.
package struct PostingAudit: Sendable {
    let store: DaybookStore
    let types: [AggregateType]
    let postings: Namespace

    package init(store: DaybookStore, types: [AggregateType], postings: Namespace) {
        self.store = store
        self.types = types
        self.postings = postings
    }

    /// How many aggregates and events were looked at.
    package struct Counts: Sendable {
        package var aggregates = 0
        package var events = 0
        package var parked = 0
    }

    /// Calls `body` with each posting that does not have the version of its aggregate's last event.
    @discardableResult
    package func run(_ body: (PostingFinding) async throws -> Void) async throws -> Counts {
        var counts = Counts()
        for type in types.sorted(by: { $0.rawValue < $1.rawValue }) {
            let scan = RangeScan(
                store: store, range: IDRange(type), projection: Journal.places, documents: postings)
            try await scan.run(after: nil) { scanned in
                while let aggregate = try await scanned.next() {
                    var head: Int64 = 0
                    while try await scanned.visitEvents({
                        head = max(head, $1 ?? 0); _ = $0
                    }) {}
                    counts.aggregates += 1
                    counts.events += Int(head)
                    let text = String(decoding: aggregate.id, as: UTF8.self)
                    let finding = PostingFinding(text, aggregate.document.flatMap(Posting.init), head: head)
                    if finding?.isParked ?? (aggregate.document?["parked"] != nil) { counts.parked += 1 }
                    if let finding { try await body(finding) }
                }
            }
        }
        for orphan in try await strays() {
            counts.aggregates += 1
            try await body(orphan)
        }
        return counts
    }

    /// Postings whose id is of none of the subscription's types, 1,000 at most.
    private func strays() async throws -> [PostingFinding] {
        let filter: BSONDocument = ["$nor": .array(types.map { ["_id": .document(IDRange($0).condition)] })]
        return try await store.client.withConnection(.single) { connection in
            var strays: [PostingFinding] = []
            let options = FindOptions(sort: [("_id", 1)], limit: 1_000)
            try connection.find(types.isEmpty ? [:] : filter, in: postings, options: options) { document in
                let document = BSONDocument(document)
                let text = document["_id"]?.text ?? (document["_id"] ?? .null).shown()
                strays.append(PostingFinding(orphan: text, version: document["version"]?.integer ?? 0))
                return true
            }
            return strays
        }
    }
}
