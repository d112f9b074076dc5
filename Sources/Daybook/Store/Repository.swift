internal import DaybookBSON
package import DaybookMongo
internal import Foundation
internal import Metrics

/// The aggregates of one kind in a store: load them, give them commands, read their history, query their snapshots.
public struct Repository<A: Aggregate>: Sendable {
    /// The store it belongs to.
    public let store: DaybookStore
    let loader: Loader<A>

    var coding: EventCoding<A> { loader.coding }
    package var snapshots: Namespace { loader.snapshots }

    // MARK: Load

    /// The aggregate as it is now. One that was never seen is at version 0, in its initial state.
    ///
    /// - Throws: ``DaybookError``; `unknownEvent`, `unreadableEvent` and `damagedJournal` name the version.
    public func load(_ key: String) async throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try await store.telemetry.perform("load", id) {
            try await store.client.readingThroughSwaps { try current(id, on: $0).snapshot }
        }
    }

    /// The aggregate at its head: what the store has in memory of it, if the journal says that it is part of it, with the events since.
    private func current(_ id: AggregateID, on connection: isolated MongoConnection) throws -> Fold<A> {
        let readAt = ContinuousClock.now
        guard let entry = store.cache.find(id, A.self) else { return try loadAnew(id, at: readAt, on: connection) }
        var loaded = entry.loaded
        let version = loaded.fold.version
        let isGenuine = try loader.foldTail(&loaded.fold, on: connection)
        let hasTail = loaded.fold.version > version
        // Also the size is measured again: others may let a state grow that is only read here.
        if hasTail { loaded.stateBytes = (try? loaded.fold.normalize())?.bytes.count }
        guard isGenuine, !loaded.fold.isUncertain else {
            store.cache.remove(id)
            return try loadAnew(id, at: readAt, on: connection)
        }
        let metrics = loader.metrics
        metrics.loads.increment()
        metrics.cacheHits.increment()
        metrics.eventsFolded.increment(by: loaded.fold.version - version)
        // Of an inline aggregate that has changed, it is not known any more what is stored.
        if hasTail, A.lifecycle == .inline { store.cache.remove(id) } else { store.cache.put(loaded, readAt: readAt) }
        return loaded.fold
    }

    /// The aggregate at its head by its snapshot and the journal; the store remembers it, for the next load and the next command.
    private func loadAnew(
        _ id: AggregateID, at readAt: ContinuousClock.Instant, on connection: isolated MongoConnection
    ) throws -> Fold<A> {
        let loaded = try loader.load(id, on: connection)
        store.cache.put(loaded, readAt: readAt)
        return loaded.fold
    }

    /// The aggregate as it was at a point of its history, folded from the journal.
    ///
    /// - Throws: ``DaybookError/Code/versionNotFound`` when it has no such version. At a date before its first event it is at version 0.
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

    /// The events of an aggregate, in order. Each iteration reads anew; none for an aggregate that was never seen.
    public func history(_ key: String) throws -> History<A> {
        History(store: store, id: try AggregateID(A.type, key: key))
    }
}
