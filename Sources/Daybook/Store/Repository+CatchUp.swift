internal import DaybookBSON
package import DaybookMongo
internal import Logging
internal import Metrics

extension Repository {
    /// Writes the snapshots of these aggregates as the journal has them, guarded as behind a commit.
    ///
    /// An aggregate whose events cannot be read, or whose snapshot the server does not take, is left out, and logged: it must not keep the others
    /// waiting.
    ///
    /// - Returns: Why those were left out.
    /// - Throws: What may be otherwise the next time, such as a lost connection.
    @discardableResult
    func catchUp(_ ids: [AggregateID], on connection: isolated MongoConnection) throws -> [AggregateID: any Error] {
        try writeSnapshots(of: ids, by: loader, on: connection).failures
    }

    /// Writes the snapshots of aggregates of which the journal has shown events, at least up to those; see ``catchUp(_:on:)``.
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
    package func catchUp(shown heads: [AggregateID: Int64], into collection: Namespace? = nil) async throws -> [AggregateID:
        any Error]
    {
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
                try writeSnapshots(of: ids, by: loader, writeConcern, on: $0)
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

    /// - Returns: Why some were left out, and the version of each of the others.
    private func writeSnapshots(
        of ids: [AggregateID], by loader: Loader<A>, _ writeConcern: WriteConcern? = nil, on connection: isolated MongoConnection
    ) throws -> (failures: [AggregateID: any Error], versions: [AggregateID: Int64]) {
        var failures: [AggregateID: any Error] = [:]
        var versions: [AggregateID: Int64] = [:]
        func leaveOut(_ id: AggregateID, _ error: any Error) {
            failures[id] = error
            let error = DaybookError.enriching(error, operation: "project", aggregateID: id.rawValue)
            let reason = (error as? DaybookError)?.message ?? "\(type(of: error))"
            loader.metrics.snapshotsDropped.increment()
            store.telemetry.logger.error(
                "the snapshot cannot be made and lags: \(reason)",
                [.aggregateID: id, .collection: loader.snapshots, .version: (error as? DaybookError)?.version ?? 0])
        }
        func load(_ ids: [AggregateID]) throws -> [SnapshotPost] {
            var posts: [SnapshotPost] = []
            for id in ids {
                do {
                    let loaded = try loader.load(id, on: connection)
                    versions[id] = loaded.fold.version
                    guard let snapshot = try loaded.fold.stored() else { continue }
                    posts.append(
                        try SnapshotPost(
                            snapshot, collection: loader.snapshots, basis: loaded.basis, isKept: loaded.fold.keepsSnapshot,
                            mayLoseSnapshot: A.mayLoseSnapshot))
                } catch {
                    guard !(error is MongoError) else { throw error }
                    leaveOut(id, error)
                }
            }
            return posts
        }
        var forestalled: [SnapshotPost] = []
        var inserted = 0
        func write(_ posts: [SnapshotPost], isSecondTime: Bool) throws {
            guard !posts.isEmpty else { return }
            let result = try connection.bulkWrite(
                posts.map { try $0.guardedWrite() }, ordered: false, in: loader.snapshots, writeConcern: writeConcern)
            inserted += result.upserted
            for (post, outcome) in zip(posts, result.outcomes) {
                switch outcome {
                case .done: loader.metrics.snapshotsPosted.increment()
                case .failed(let error) where error.isOfForeignIndex:
                    leaveOut(post.aggregateID, DaybookError.refused(byForeignIndex: error, of: post.aggregateID))
                case .failed(let error) where error.code == .duplicateKey:
                    // A newer one is there, or another writer has just put the aggregate's first one there: the second time it is the former.
                    if !isSecondTime { forestalled.append(post) }
                case .failed(let error) where error.code == .validationFailed || error.code == .tooLarge:
                    leaveOut(post.aggregateID, error)
                case .failed(let error), .unknown(let error): throw error
                case .notSent: break
                }
            }
        }
        var left = ids
        while !left.isEmpty {
            let posts = try load(left)
            (forestalled, inserted) = ([], 0)
            try write(posts, isSecondTime: false)
            try write(forestalled, isSecondTime: true)
            // A commit that came after the load may have deleted a snapshot that was not there yet, and ours is there now.
            left = inserted == 0 ? [] : try surpassed(posts, on: connection)
        }
        return (failures, versions)
    }

    /// Of a kind whose snapshots may be deleted: those of which the journal has more by now than was written.
    private func surpassed(_ posts: [SnapshotPost], on connection: isolated MongoConnection) throws -> [AggregateID] {
        try posts.filter {
            try $0.mayLoseSnapshot && $0.isKept && store.journal.head(of: $0.aggregateID, on: connection) > $0.version
        }.map(\.aggregateID)
    }

    /// What looks after the post of a snapshot that is written behind its commit, where the post alone may not be enough: nothing was read for it,
    /// or its kind has states of which no snapshot is kept.
    func catchUpAfterPost(_ id: AggregateID, isCached: Bool) -> (@Sendable (isolated MongoConnection) throws -> Void)? {
        guard A.lifecycle == .async, isCached || A.mayLoseSnapshot else { return nil }
        return { [self] in _ = try catchUp([id], on: $0) }
    }
}
