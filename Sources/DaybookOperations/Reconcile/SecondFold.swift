internal import Daybook
internal import DaybookBSON
internal import DaybookMongo

/// Folds aggregates once more whose first fold may not be what a writer's is: it has looked at a sample of the states on the way for dates that
/// `apply` computes, see ``ComputedDates``. This one looks at all of them.
struct SecondFold<F: AggregateFold>: Sendable {
    let store: DaybookStore
    let subject: ReconcileSubject
    let needsSnapshots: Bool
    private let coding = F.makeCoding(looksAtEveryState: true)

    /// What `suspects` look like to a fold that is exact, where that of `isDoubtful` may not have been; those with which nothing is wrong are left
    /// out. Each is compared with the snapshot that was read of it.
    func settle(_ suspects: [Assessment], where isDoubtful: (Assessment) -> Bool) async throws -> [Assessment] {
        let doubtful = suspects.filter(isDoubtful)
        guard !doubtful.isEmpty else { return suspects }
        let again = try await assess(doubtful)
        return suspects.compactMap { suspect in
            guard isDoubtful(suspect), let found = again[suspect.id] else { return suspect }
            // What other commits have changed since is not what the suspicion was about.
            guard found.kind != nil || found.journalVersion != suspect.journalVersion else { return nil }
            return found.kind == nil ? suspect : found
        }
    }

    private func assess(_ suspects: [Assessment]) async throws -> [[UInt8]: Assessment] {
        let stored = Dictionary(suspects.map { ($0.id, $0.stored?.document) }) { first, _ in first }
        let ids = suspects.map { BSONValue.string($0.text) }
        let options = FindOptions(sort: Journal.inAggregateOrder, projection: F.projection)
        return try await store.client.withConnection(.single) { connection in
            var found: [[UInt8]: Assessment] = [:]
            var current: AggregateCheck<F>?
            func finish() {
                if let current { found[current.id] = current.assess(needsSnapshot: needsSnapshots) }
                current = nil
            }
            let filter: BSONDocument = [EventKey.aggregateID: ["$in": .array(ids)]]
            try connection.find(filter, in: store.journal.namespace, options: options) { document in
                guard let place = EventPlace(document) else { return true }
                let id = Array(place.aggregateID)
                if current?.id != id {
                    finish()
                    current = AggregateCheck(
                        id, snapshot: stored[id] ?? nil, expecting: subject.expectsSnapshots ? .snapshot : .nothing, coding)
                }
                current?.take(document, at: place.version)
                return true
            }
            finish()
            return found
        }
    }
}
