internal import DaybookBSON
package import DaybookMongo
internal import Foundation
internal import Metrics

/// The aggregates of one kind in a store: load them, execute commands on them, read their histories, query their
/// snapshots.
public struct Repository<A: Aggregate>: Sendable {
    /// The store it belongs to.
    public let store: DaybookStore
    let loader: Loader<A>

    private var cache: AggregateCache { store.committer.cache }
    var coding: EventCoding<A> { loader.coding }
    package var snapshots: Namespace { loader.snapshots }

    // MARK: Load

    /// The aggregate as it is now. One without events is at version 0, in its initial state.
    ///
    /// - Throws: ``DaybookError``; `unknownEvent`, `unreadableEvent` and `damagedJournal` name the version.
    public func load(_ key: String) async throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try await store.telemetry.perform("load", id) {
            try await store.client.readingThroughSwaps { try current(id, on: $0).snapshot }
        }
    }

    /// The aggregate at its head: the cached one with the events since, if the journal confirms the cached head.
    private func current(_ id: AggregateID, on connection: isolated MongoConnection) throws -> Fold<A> {
        let readAt = ContinuousClock.now
        guard let entry = cache.find(id, A.self) else { return try loadAnew(id, at: readAt, on: connection) }
        var loaded = entry.loaded
        let version = loaded.fold.version
        let isGenuine = try loader.foldTail(&loaded.fold, on: connection)
        let hasTail = loaded.fold.version > version
        // Measure the size again: a state that this process only reads may grow through other writers.
        if hasTail { loaded.stateBytes = (try? loaded.fold.normalize())?.bytes.count }
        guard isGenuine, !loaded.fold.isUncertain else {
            cache.remove(id)
            return try loadAnew(id, at: readAt, on: connection)
        }
        let metrics = loader.metrics
        metrics.loads.increment()
        metrics.cacheHits.increment()
        metrics.eventsFolded.increment(by: loaded.fold.version - version)
        // The inline aggregate has changed, so its stored snapshot is not known any more.
        if hasTail, A.lifecycle == .inline { cache.remove(id) } else { cache.put(loaded, readAt: readAt) }
        return loaded.fold
    }

    /// Loads the aggregate at its head from its snapshot and the journal, and caches it for the next load and the next
    /// command.
    private func loadAnew(
        _ id: AggregateID, at readAt: ContinuousClock.Instant, on connection: isolated MongoConnection
    ) throws -> Fold<A> {
        let loaded = try loader.load(id, on: connection)
        cache.put(loaded, readAt: readAt)
        return loaded.fold
    }

    /// The aggregate at a point of its history, folded from the journal.
    ///
    /// - Throws: ``DaybookError/Code/versionNotFound`` when it has no such version. At a date before its first event it
    ///   is at version 0.
    public func load(_ key: String, at point: PointInHistory) async throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try await store.telemetry.perform("load", id) {
            try await store.client.withConnection(.single) { connection in
                switch point {
                case .version(let version): try loader.load(id, at: version, on: connection).snapshot
                case .date(let date): try loader.load(id, at: date, on: connection).snapshot
                }
            }
        }
    }

    /// The events of an aggregate, in order; none for an unknown aggregate. Each iteration reads them again.
    public func history(_ key: String) throws -> History<A> {
        History(store: store, id: try AggregateID(A.type, key: key))
    }
}
