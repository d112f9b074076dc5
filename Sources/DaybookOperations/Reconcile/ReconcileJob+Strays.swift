internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

extension ReconcileJob.Context {
    /// How many strays are in memory at a time, and about how many bytes of them.
    private static let strayPage = 500
    private static let strayBytes = 16 << 20

    /// Reports or deletes documents among the snapshots that no aggregate of the type can have: their ids are of
    /// another type, or no text at all.
    ///
    /// They come before and after the ids of the type, in the order of the index on `_id`, which has values of every
    /// type: so nothing else is looked at, and none is missed.
    /// https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
    func reconcileStrays(of target: ReconcileTarget) async throws {
        guard let snapshots = target.snapshots else { return }
        let repair = repair(by: Confirmation(store: store, checker: .envelopes(target)), at: nil)
        let range = IDRange(target.type)
        for (lower, upper) in [(nil, range.lower), (range.upper, nil)] as [(String?, String?)] {
            var place = StrayPlace(lower: lower.map { .string($0) }, upper: upper.map { .string($0) })
            var patience = Patience()
            while true {
                do {
                    let strays = try await strays(in: snapshots, besides: range, at: place)
                    guard let end = strays.last?.document[SnapshotKey.id] else { break }
                    let suspects = strays.map(Suspect.init(stray:))
                    let (findings, written) = try await repair?.repair(suspects) ?? (suspects.map { $0.finding() }, 0)
                    try await report.advance(
                        part: nil, to: nil, checked: strays.count, events: 0, written: written, findings: findings)
                    place.lower = end
                    place.isLowerDone = true
                    patience = Patience()
                } catch let error as MongoError where error.isOfTheMoment {
                    try await patience.wait(after: error, hasProgressed: false)
                }
            }
        }
    }

    /// Where strays are looked for: from `lower` on, before `upper`.
    private struct StrayPlace: Sendable {
        var lower: BSONValue?
        let upper: BSONValue?
        /// Whether the one that has the lower bound as its id was handled. It may have been deleted since.
        var isLowerDone = false
    }

    /// Some that follow one another.
    private func strays(in snapshots: Namespace, besides range: IDRange, at place: StrayPlace) async throws
        -> [FoundSnapshot]
    {
        var options = FindOptions(sort: [(SnapshotKey.id, 1)], limit: Self.strayPage + 1)
        options.hint = [SnapshotKey.id: 1]
        options.minimum = place.lower.map { [SnapshotKey.id: $0] }
        options.maximum = place.upper.map { [SnapshotKey.id: $0] }
        let page = options
        return try await store.client.withConnection(.single) { connection in
            var strays: [FoundSnapshot] = []
            var bytes = 0
            try connection.find([:], in: snapshots, options: page) { document in
                let stray = FoundSnapshot(BSONDocument(document))
                let id = stray.document[SnapshotKey.id]
                if place.isLowerDone, id == place.lower { return true }
                // A server that passes over the bounds must not lead to the deletion of a snapshot.
                if let text = id?.text, range.contains(text) { return true }
                strays.append(stray)
                bytes += stray.document.bytes.count
                return strays.count < Self.strayPage && bytes < Self.strayBytes
            }
            return strays
        }
    }
}
