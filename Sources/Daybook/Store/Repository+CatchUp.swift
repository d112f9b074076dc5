internal import DaybookBSON
package import DaybookMongo
internal import Logging
internal import Metrics

extension Repository {
    /// Writes the snapshots of aggregates of which the journal has shown events, at least up to those; see
    /// ``Loader/catchUp(_:writeConcern:on:)``.
    ///
    /// Right after an election the new primary's majority may know less than a change stream, or the old primary, has shown: these are looked at
    /// again until it knows that too, for ten seconds at most, since an event may have been removed by hand. Reads of one session in causal
    /// consistency would wait for it on the server, but each of ours may be on another connection.
    /// https://www.mongodb.com/docs/manual/core/read-isolation-consistency-recency/
    ///
    /// - Parameters:
    ///   - heads: Of each the last version that was shown; 0 where none was.
    ///   - collection: A build, which is written to a majority. Where they belong, unless given.
    @discardableResult
    package func catchUp(
        shown heads: [AggregateID: Int64], into collection: Namespace? = nil
    ) async throws -> [AggregateID: any Error] {
        let loader =
            collection.map { Loader(coding, snapshots: $0, journal: store.journal, telemetry: store.telemetry) } ?? loader
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
                        "the journal does not show this version, which it has shown before; verify says whether an event is missing",
                        [.aggregateID: id, .collection: loader.snapshots, .version: version])
                }
                return failures
            }
            await backoff.wait()
            try Task.checkCancellation()
        }
    }
}
