internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics

/// Loads aggregates of one kind. A store keeps one loader for each kind, so that what every load and commit needs is
/// looked up once.
final class Loader<A: Aggregate>: Sendable {
    let coding: EventCoding<A>
    let snapshots: Namespace
    let metrics: AggregateMetrics
    let journal: Journal
    let telemetry: Telemetry

    /// - Parameters:
    ///   - coding: Shared by all code that codes these events, because coders cache what they learn about types.
    ///   - snapshots: The snapshot collection.
    init(_ coding: EventCoding<A>, snapshots: Namespace, journal: Journal, telemetry: Telemetry) {
        self.coding = coding
        self.snapshots = snapshots
        self.journal = journal
        self.telemetry = telemetry
        metrics = telemetry.metrics(of: A.type)
    }

    /// Loads the aggregate at its head.
    ///
    /// The snapshot is trusted when its digest is right, its schema is the declared one, it decodes, and the journal's
    /// event at its version is its head. Otherwise it is ignored with a warning, and the journal is folded from the
    /// first event.
    func load(_ id: AggregateID, on connection: isolated MongoConnection) throws -> Loaded<A> {
        metrics.loads.increment()
        let loaded = try read(id, on: connection)
        // The first state with computed dates is found after earlier states were folded without the check, so fold
        // again.
        return loaded.fold.isUncertain ? try read(id, on: connection) : loaded
    }

    private func read(_ id: AggregateID, on connection: isolated MongoConnection) throws -> Loaded<A> {
        guard A.lifecycle != .live else { return try replay(id, found: nil, on: connection) }
        var identity: BorrowedSnapshot.Identity?
        var stateBytes: Int?
        let trusted = try connection.findOne([SnapshotKey.id: .string(id.rawValue)], in: snapshots) {
            document -> Fold<A>? in
            let snapshot = try BorrowedSnapshot(document)
            identity = snapshot.identity
            stateBytes = snapshot.state?.bytes.count
            return trust(snapshot, id)
        }
        if var fold = trusted ?? nil {
            let version = fold.version
            if try foldTail(&fold, on: connection) {
                metrics.eventsFolded.increment(by: fold.version - version)
                let hasTail = fold.version > version
                if hasTail { stateBytes = (try? fold.normalize())?.bytes.count }
                return Loaded(fold: fold, basis: .read(identity), stateBytes: stateBytes, hasTail: hasTail)
            }
            ignore(id, "its head is not the journal's event \(version)")
        }
        return try replay(id, found: identity, on: connection)
    }

    /// The aggregate, folded from all of its events.
    ///
    /// - Parameter identity: The identity of the snapshot that is not trusted; nil where there is none.
    private func replay(
        _ id: AggregateID, found identity: BorrowedSnapshot.Identity?, on connection: isolated MongoConnection
    ) throws -> Loaded<A> {
        var fold = Fold<A>(id, coding)
        try journal.replay(id, from: 1, on: connection) { event in
            try fold.apply(event)
            return true
        }
        metrics.eventsFolded.increment(by: fold.version)
        let state = fold.version > 0 ? try? fold.normalize() : nil
        return Loaded(fold: fold, basis: .read(identity), stateBytes: identity == nil ? state?.bytes.count : nil)
    }

    /// Folds all events, and once more if the first attempt found computed dates after folding states without the
    /// check.
    private func certain(_ fold: () throws -> Fold<A>) throws -> Fold<A> {
        var result = try fold()
        if result.version > 0 { _ = try? result.normalize() }
        guard result.isUncertain else { return result }
        result = try fold()
        _ = try? result.normalize()
        return result
    }

    /// The aggregate after the events that were recorded at or before `date`, folded from the journal alone. Along an
    /// aggregate the times of recording never run backwards.
    func load(_ id: AggregateID, at date: Date, on connection: isolated MongoConnection) throws -> Fold<A> {
        guard let last = BSONDate(lastBegunAt: date) else {
            throw DaybookError(.invalidArgument, "the date is not a number")
        }
        return try certain {
            var fold = Fold<A>(id, coding)
            try journal.replay(id, from: 1, on: connection) { event in
                guard event.recordedAt <= last else { return false }
                try fold.apply(event)
                return true
            }
            return fold
        }
    }

    /// The aggregate after its first `version` events, folded from the journal alone.
    ///
    /// - Throws: ``DaybookError/Code/versionNotFound`` when it has fewer.
    func load(_ id: AggregateID, at version: Int64, on connection: isolated MongoConnection) throws -> Fold<A> {
        guard version > 0 else {
            guard version == 0 else {
                throw DaybookError(.invalidArgument, "there is no version \(version); the first is 1, 0 is before it")
            }
            return Fold<A>(id, coding)
        }
        let fold = try certain {
            var fold = Fold<A>(id, coding)
            try journal.replay(id, from: 1, through: version, on: connection) { event in
                try fold.apply(event)
                return true
            }
            return fold
        }
        guard fold.version == version else {
            let head = try journal.head(of: id, on: connection)
            // Read after the head, so that an event before the head is stored by now, unless it is missing.
            if head > fold.version, try journal.eventID(of: id, at: fold.version + 1, on: connection) == nil {
                throw DaybookError(
                    .damagedJournal, "event \(fold.version + 1) is missing, and later ones are there. Run verify.",
                    aggregateID: id.rawValue, version: fold.version + 1)
            }
            // Another writer appended in the meantime.
            if head >= version { return try load(id, at: version, on: connection) }
            throw DaybookError(
                .versionNotFound,
                head == 0 ? "it has no events" : "it has no version \(version); it is at version \(head)",
                aggregateID: id.rawValue, version: head)
        }
        return fold
    }

    private func trust(_ snapshot: BorrowedSnapshot, _ id: AggregateID) -> Fold<A>? {
        guard snapshot.stateSchema == A.stateSchema else {
            let schema = snapshot.stateSchema.map { "\($0)" } ?? "none"
            ignore(id, "its stateSchema is \(schema), not \(A.stateSchema)")
            return nil
        }
        guard let version = snapshot.version, version > 0, let state = snapshot.state, let headID = snapshot.headID,
            let createdAt = snapshot.createdAt, snapshot.isGenuine(for: id)
        else {
            ignore(id, "its digest does not fit its content")
            return nil
        }
        // The digest has no key, so anyone with write access can compute a matching one. No event can follow such a
        // version.
        guard version < Journal.maximumVersion else {
            ignore(id, "no aggregate gets to version \(version)")
            return nil
        }
        do {
            var fold = Fold<A>(id, coding)
            fold.begin(with: try coding.decoder.decode(A.self, from: state), at: version)
            fold.headID = headID
            fold.createdAt = createdAt
            return fold
        } catch {
            ignore(id, "its state cannot be decoded: \(describe(error))")
            return nil
        }
    }

    /// Folds the events after the known state. Returns false when the state's head is not the journal's event at that
    /// version.
    func foldTail(_ fold: inout Fold<A>, on connection: isolated MongoConnection) throws -> Bool {
        let (id, version, headID) = (fold.id, fold.version, fold.headID)
        var isGenuine = false
        try journal.replay(id, from: version, on: connection) { event in
            if isGenuine {
                try fold.apply(event)
                return true
            }
            isGenuine = event.version == version && event.id == headID
            fold.updatedAt = event.recordedAt
            return isGenuine
        }
        return isGenuine
    }

    /// Counts and logs a snapshot that was not trusted.
    func ignore(_ id: AggregateID, _ reason: String) {
        metrics.snapshotsIgnored.increment()
        telemetry.logger.warning(
            "snapshot ignored, journal folded instead: \(reason)", [.aggregateID: id, .collection: snapshots])
    }
}
