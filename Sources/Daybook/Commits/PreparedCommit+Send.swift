internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging

extension PreparedCommit {
    /// Makes one attempt to append the events and write the snapshots, in one transaction.
    ///
    /// Once a commit was sent and not answered, a later failure does not prove that it failed. Then the same documents,
    /// with the same ids, are sent again until the outcome is definite: either they are inserted now, or the journal's
    /// unique index refuses them, and the event at their version shows whether it is ours.
    ///
    /// The first attempt writes in the open transaction if there is one. A later attempt only commits it if it is still
    /// open. The transaction has ended afterwards, unless the outcome is unknown and the commit alone may be sent
    /// again.
    ///
    /// - Parameter isResent: Whether an earlier attempt may have taken effect.
    func send(
        isResent: Bool, journal: Journal, logger: Logger, on connection: isolated MongoConnection
    ) -> CommitOutcome {
        let isWritten = isResent && connection.isInTransaction
        do {
            if !connection.isInTransaction { try connection.beginTransaction() }
            if !isWritten, let cause = try write(isResent: isResent, journal: journal, logger: logger, on: connection) {
                connection.endTransaction()
                return .aborted(cause)
            }
            try connection.commitTransaction()
            return .committed
        } catch let error as MongoError {
            return outcome(of: error, isResent: isResent, journal: journal, on: connection)
        } catch {
            connection.endTransaction()
            return .failed(error)
        }
    }

    private func outcome(
        of error: MongoError, isResent: Bool, journal: Journal, on connection: isolated MongoConnection
    ) -> CommitOutcome {
        let isUnanswered = error.phase == .commit && !error.isDefiniteAbort
        // After a lost answer, `commitTransaction` may be sent again. After any other error the server only repeats it,
        // so only sending the documents again can show the outcome.
        if isUnanswered, error.mayBeCommittedAgain { return .unknown(error) }
        connection.endTransaction()
        // If an earlier attempt was not answered, send the documents again even after a definite refusal. Their ids
        // make that safe, and the unique index's answer is the one that cannot be wrong.
        if isResent || isUnanswered {
            // Check this first: a server may name the index of command ids although the commit in the journal is ours.
            guard error.code == .duplicateKey else { return .unknown(error) }
            return outcome(ofDuplicate: error, on: connection, journal: journal) ?? .unknown(error)
        }
        if error.isOfForeignIndex {
            // No rival did this, so another attempt would be refused too. With several aggregates, the server does not
            // say which one it is about.
            let aggregateID = changes.count == 1 ? changes[0].aggregateID : nil
            return .failed(DaybookError.refused(byForeignIndex: error, of: aggregateID))
        }
        if error.code == .duplicateKey, error.keyPattern.contains(EventKey.commandIDPath) {
            return .duplicateCommand(error)
        }
        return error.code == .duplicateKey || error.canBeTriedAgain ? .aborted(error) : .failed(error)
    }

    /// The error at the deadline of a commit that was sent and not answered.
    func outcomeUnknown(_ error: any Error) -> DaybookError {
        DaybookError(
            .outcomeUnknown,
            "the connection died after the commit \(id) was sent, and it was not found out in time whether it took "
                + "effect. It may still. Repeat the command with the same command id, or look for events of this "
                + "commit.",
            aggregateID: changes.first?.aggregateID.rawValue, version: changes.first?.versions.lowerBound,
            underlying: error)
    }

    /// The outcome of a commit whose events the journal refuses, from the events that are stored at their versions. If
    /// one of them is ours, the whole commit is in the journal; if one is another writer's, none of ours ever will be.
    ///
    /// Nil when that cannot be read now: the event that the index has just found may not be majority-committed yet.
    private func outcome(
        ofDuplicate error: MongoError, on connection: isolated MongoConnection, journal: Journal
    ) -> CommitOutcome? {
        for change in changes {
            guard
                let found = try? journal.eventID(of: change.aggregateID, at: change.versions.lowerBound, on: connection)
            else {
                continue
            }
            return found == change.firstEventID ? .committed : .aborted(error)
        }
        // No event is at our versions, so the index refused a command id that was used elsewhere on the aggregate.
        return nil
    }

    /// Writes everything in the open transaction.
    ///
    /// - Returns: Why the commit must be decided again: something that it was decided on has changed. Nil when all is
    ///   written.
    private func write(
        isResent: Bool, journal: Journal, logger: Logger, on connection: isolated MongoConnection
    ) throws -> MongoError? {
        for snapshot in try append(snapshots(where: .unchanged), on: connection, journal: journal, isResent: isResent) {
            // We decided on a cached aggregate, so the successful insert does not prove that our head is the journal's
            // head. Only a matching snapshot does; without one, load again.
            guard !snapshot.basis.isCached else { return changed(snapshot.aggregateID, "which was not loaded again") }
            try replace(snapshot, on: connection, isExpected: isResent, logger: logger)
        }
        for aggregate in guards {
            // A new transaction does not know what the first one read, so compare the versions. Our events were
            // inserted above, so no earlier attempt is in the journal or can still get there: if the version has
            // changed, this commit is definitely lost.
            if isResent, try journal.head(of: aggregate.aggregateID, on: connection) != aggregate.version {
                return changed(aggregate.aggregateID, "which the transaction guards")
            }
            try hold(aggregate.aggregateID, aggregate.snapshots, orInsert: aggregate.snapshot, on: connection)
        }
        return nil
    }

    private func changed(_ aggregateID: AggregateID, _ reason: String) -> MongoError {
        MongoError(.writeConflict, "\(aggregateID), \(reason), has changed")
    }

    /// Writes to a snapshot without changing its content, so that this transaction and a commit on its aggregate cannot
    /// both succeed.
    ///
    /// Every commit writes to the snapshot of its aggregate, and when two transactions write to one document, the
    /// server aborts one.
    private func hold(
        _ aggregateID: AggregateID, _ snapshots: Namespace, orInsert snapshot: BSONDocument?,
        on connection: isolated MongoConnection
    ) throws {
        let selector: BSONDocument = [SnapshotKey.id: .string(aggregateID.rawValue)]
        // The value must be new each time: MongoDB skips an update that changes nothing, and then there would be no
        // write conflict.
        let lock: BSONDocument = ["$set": [SnapshotKey.lock: .binary(BSONBinary(id))]]
        if try connection.updateOne(selector, with: lock, in: snapshots).matched > 0 { return }
        if let snapshot {
            try connection.insert([snapshot], into: snapshots)
        } else {
            // There is no document to write to. A snapshot that is inserted and deleted inside the transaction still
            // conflicts with the one that a first commit inserts. A rival that began before our commit keeps the
            // deletion from being visible to all. For that long, eviction writes the entry of the `_id` index with the
            // time of its deletion (WiredTiger, `__wt_rec_upd_select`: a tombstone that is not visible to all is
            // written as the stop time of the update before it), and the rival's insert is checked against that time
            // too (`__txn_modify_block`).
            try connection.insert([selector], into: snapshots)
            try connection.deleteOne(selector, in: snapshots)
        }
    }

    /// Inserts the events, and writes each snapshot by compare-and-set: only where the stored one is still as it was
    /// loaded.
    ///
    /// - Returns: The snapshots that were not written, because another one is stored.
    private func append(
        _ snapshots: [SnapshotWrite], on connection: isolated MongoConnection, journal: Journal, isResent: Bool
    ) throws -> [SnapshotWrite] {
        var writes: [(snapshot: SnapshotWrite, operation: BulkOperation)] = []
        var missed: [SnapshotWrite] = []
        for snapshot in snapshots {
            // An earlier attempt may have written its snapshots, so what was loaded is no comparison any more.
            if !isResent || snapshot.basis.isCached, let operation = try snapshot.unchangedWrite() {
                writes.append((snapshot, operation))
            } else {
                missed.append(snapshot)
            }
        }
        let size = writes.reduce(events.reduce(0) { $0 + $1.bytes.count }) { $0 + $1.operation.byteCount }
        let counts: [Int]
        if connection.hasBulkCommand, !writes.isEmpty, size <= Self.bulkCommandBytes {
            let inserts = events.map { NamespacedOperation(.insert($0), in: journal.namespace) }
            let posts = writes.map { NamespacedOperation($0.operation, in: $0.snapshot.collection) }
            do throws(MongoError) {
                counts = Array(try connection.bulkCommand(inserts + posts).suffix(posts.count))
            } catch {
                var error = error
                // An older server, as in a cluster during an upgrade, does not know the command; the next attempt does
                // not use it.
                if error.isUnknownCommand { error.labels.insert(.transientTransaction) }
                throw error
            }
        } else {
            try connection.insert(events, into: journal.namespace)
            counts = try writes.map { try Self.write($0.operation, in: $0.snapshot.collection, on: connection) }
        }
        for (write, count) in zip(writes, counts) where count == 0 { missed.append(write.snapshot) }
        return missed
    }

    /// Runs an ``SnapshotWrite/unchangedWrite()`` on its own, and returns how many documents it inserted, matched or
    /// deleted.
    private static func write(
        _ operation: BulkOperation, in snapshots: Namespace, on connection: isolated MongoConnection
    ) throws -> Int {
        switch operation {
        case .replaceOne(let selector, let replacement, _):
            return try connection.replaceOne(selector, with: replacement, in: snapshots).matched
        case .deleteOne(let selector): return try connection.deleteOne(selector, in: snapshots)
        default:
            if let document = operation.stored { try connection.insert([document], into: snapshots) }
            return 1
        }
    }

    /// The most bytes in one command. More takes longer to transfer than a round trip, and the server limits a command
    /// to a document's size.
    private static let bulkCommandBytes = 4 * 1024 * 1024

    /// Writes the snapshot of one aggregate, whatever is stored in its place.
    ///
    /// The events were inserted, so the journal's head was the version that was loaded, and no commit has written what
    /// is stored instead. Drift must not block a writer: what follows from the journal replaces it, unless it belongs
    /// to a newer deployment.
    private func replace(
        _ snapshot: SnapshotWrite, on connection: isolated MongoConnection, isExpected: Bool, logger: Logger
    ) throws {
        let place: [LogKey: any CustomStringConvertible] = [
            .aggregateID: snapshot.aggregateID, .collection: snapshot.collection,
        ]
        let base = changes.first { $0.aggregateID == snapshot.aggregateID }.map { $0.versions.lowerBound - 1 }
        var isOfCommit = false
        let found = try connection.findOne(snapshot.selector, in: snapshot.collection) { document in
            let found = try BorrowedSnapshot(document)
            // A rival's commit fell between the load's reads of snapshot and journal.
            isOfCommit = found.version == base && found.isGenuine(for: snapshot.aggregateID)
            return found.identity
        }
        if let found, snapshot.isOlder(than: found) {
            logger.warning(
                "the snapshot's stateSchema is newer than \(snapshot.stateSchema); it is left behind the journal", place
            )
            try hold(snapshot.aggregateID, snapshot.collection, orInsert: nil, on: connection)
            return
        }
        guard snapshot.isKept || found != nil else {
            // No snapshot is stored and none will be. This commit still writes in its place, because guards rely on
            // that.
            return try hold(snapshot.aggregateID, snapshot.collection, orInsert: nil, on: connection)
        }
        if !isExpected, !isOfCommit {
            logger.warning(
                "the snapshot was \(found == nil ? "deleted" : "changed") by something other than a commit; replaced",
                place)
        }
        guard snapshot.isKept else {
            _ = try connection.deleteOne(snapshot.selector, in: snapshot.collection)
            return
        }
        try connection.replaceOne(snapshot.selector, with: snapshot.document(), upsert: true, in: snapshot.collection)
    }
}
