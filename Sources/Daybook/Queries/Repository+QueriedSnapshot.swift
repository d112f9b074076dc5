internal import Logging
internal import Metrics

extension Repository {
    /// The element for a snapshot that a query found. If the snapshot cannot be read, it is what `refold` makes of the
    /// aggregate, which is folded from the journal on the primary. Nil when the journal has no such aggregate.
    func resolve<Element>(
        _ found: QueriedSnapshot<Element>, refold: @Sendable (Snapshot<A>) throws -> Element
    ) async throws -> Element? {
        switch found {
        case .readable(let element): return element
        case .unreadable(let id, let reason):
            ignored(id, reason: reason)
            guard let id, id.type == A.type else { return nil }
            let folded = try await load(id.key)
            return folded.exists ? try refold(folded) : nil
        }
    }

    /// Counts and logs a snapshot that a query could not read.
    func ignored(_ id: AggregateID?, reason: String) {
        loader.metrics.snapshotsIgnored.increment()
        store.telemetry.logger.warning(
            "snapshot ignored by a query, journal folded instead: \(reason)",
            [.aggregateID: id?.rawValue ?? "none", .collection: snapshots])
    }
}
