internal import Logging
internal import Metrics

extension Repository {
    /// What a query makes of a snapshot that it found: of one that it cannot read, what `refold` makes of the aggregate as the journal has
    /// it, on the primary wherever the query reads; nil when the journal has no such aggregate.
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

    /// Says that a query found a snapshot that it cannot read: the one place to count them.
    func ignored(_ id: AggregateID?, reason: String) {
        loader.metrics.snapshotsIgnored.increment()
        store.telemetry.logger.warning(
            "snapshot ignored by a query, journal folded instead: \(reason)",
            [.aggregateID: id?.rawValue ?? "none", .collection: snapshots])
    }
}
