internal import DaybookBSON
package import DaybookMongo
internal import Logging
internal import Metrics

extension Repository {
    /// Writes the snapshots of aggregates for which the journal's change stream has reported events, at least up to
    /// those events; see ``Loader/catchUp(_:writeConcern:on:)``.
    ///
    /// Right after an election, reads with the new primary's majority may lack events that a change stream, or the old
    /// primary, has already reported. Those aggregates are read again until the events are there, for ten seconds at
    /// most, because an event may have been removed by hand. Reads of one causally consistent session would wait on the
    /// server instead, but each of ours may use another connection.
    /// https://www.mongodb.com/docs/manual/core/read-isolation-consistency-recency/
    ///
    /// - Parameters:
    ///   - heads: The last reported version of each aggregate; 0 where none was reported.
    ///   - collection: A swap's new collection, which is written with a majority write concern. If nil, the snapshots'
    ///     own collection.
    @discardableResult
    package func catchUp(
        shown heads: [AggregateID: Int64], into collection: Namespace? = nil
    ) async throws -> [AggregateID: any Error] {
        let loader =
            collection.map { Loader(coding, snapshots: $0, journal: store.journal, telemetry: store.telemetry) }
            ?? loader
        let writeConcern = collection.map { _ in WriteConcern(.majority) }
        let deadline = ContinuousClock.now + .seconds(10)
        var failures: [AggregateID: any Error] = [:]
        var left = heads
        var backoff = Backoff()
        while true {
            let ids = Array(left.keys)
            let written = try await store.client.withConnection(.single) {
                try loader.catchUp(ids, writeConcern: writeConcern, on: $0)
            }
            failures.merge(written.failures) { $1 }
            left = left.filter { id, version in written.versions[id].map { $0 < version } ?? false }
            if left.isEmpty { return failures }
            guard ContinuousClock.now < deadline else {
                for (id, version) in left {
                    store.telemetry.logger.warning(
                        "the journal no longer shows this version; verify says whether an event is missing",
                        [.aggregateID: id, .collection: loader.snapshots, .version: version])
                }
                return failures
            }
            await backoff.wait()
            try Task.checkCancellation()
        }
    }
}
