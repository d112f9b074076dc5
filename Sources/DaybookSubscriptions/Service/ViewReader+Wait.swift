public import Daybook
internal import DaybookMongo

extension DaybookStore {
    /// The documents of a projection.
    public func view<P: Projection>(_ projection: P.Type) -> ViewReader<P.Document> {
        ViewReader(
            store: self, namespace: SubscriptionStorage(P.name, in: database).view, name: P.name.rawValue)
    }
}

extension ViewReader {
    /// Returns when the view includes a commit: each of the commit's aggregates that the projection is about is posted
    /// at the commit's version. For a read after a command.
    ///
    /// - Throws: `DaybookError`: `viewBehind` when that has not happened after `timeout`, or when one of the
    ///   aggregates is parked, with its id.
    public func wait(for commit: Commit, timeout: Duration = .seconds(5)) async throws {
        let name = try SubscriptionName(name)
        try await store.telemetry.perform("wait") {
            let deadline = ContinuousClock.now + timeout
            var missing: [AggregateID: Int64] = [:]
            let types = try await types(of: name)
            for part in try await store.participants(of: commit.id) where types.contains(part.aggregateID.type) {
                missing[part.aggregateID] = max(missing[part.aggregateID] ?? 0, part.version)
            }
            let postings = SubscriptionStorage(name, in: store.database).postings
            var backoff = Backoff()
            while true {
                let wanted = Array(missing.keys)
                let found = try await store.client.readingThroughSwaps {
                    try Posting.find(wanted, in: postings, on: $0)
                }
                missing = missing.filter { (found[$0.key]?.version ?? 0) < $0.value }
                guard let (id, version) = missing.first else { return }
                if let parked = missing.keys.lazy.compactMap({ id in found[id]?.parked.map { (id, $0) } }).first {
                    throw DaybookError(
                        .viewBehind,
                        "the view \"\(name)\" waits at event \(parked.1.version), which could not be handled: see "
                            + "dead-letters list",
                        aggregateID: parked.0.rawValue, version: parked.1.version)
                }
                guard ContinuousClock.now < deadline else {
                    throw DaybookError(
                        .viewBehind,
                        "the view \"\(name)\" does not include version \(version) yet: does a process run the "
                            + "subscription?",
                        aggregateID: id.rawValue, version: found[id]?.version ?? 0)
                }
                try Task.checkCancellation()
                await backoff.wait()
            }
        }
    }

    private func types(of name: SubscriptionName) async throws -> [AggregateType] {
        if let own = store.ownSubscriptions.first(where: { $0.name == name }) { return own.types }
        let record = try await store.client.withConnection(.single) {
            try SubscriptionRecord.find(name, in: store.database, on: $0)
        }
        return record?.types ?? []
    }
}
