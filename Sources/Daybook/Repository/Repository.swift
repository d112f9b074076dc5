internal import DaybookBSON
internal import DaybookMongo
public import Foundation

/// The aggregates of one kind in a store: load them, give them commands, read their history, query their snapshots.
public struct Repository<A: Aggregate>: Sendable {
    /// The store it belongs to.
    public let store: DaybookStore

    var loader: Loader<A> {
        Loader(journal: store.journal, snapshots: snapshots, logger: store.logger)
    }

    var snapshots: Namespace { Namespace(database: store.database, collection: A.snapshotCollection) }

    // MARK: Load

    /// The aggregate as it is now. One that was never seen is at version 0, in its initial state.
    ///
    /// - Throws: ``DaybookError``; `unknownEvent`, `unreadableEvent` and `damagedJournal` name the version.
    public func load(_ key: String) async throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try await enriched("load", id) {
            try await store.client.withConnection(.single) { connection in
                try loader.load(id, on: connection).fold.snapshot
            }
        }
    }

    /// The aggregate as it was after its first `point.version` events, folded from the journal.
    ///
    /// - Throws: ``DaybookError/Code/versionNotFound`` when it has no such version.
    public func load(_ key: String, at point: PointInHistory) async throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try await enriched("load", id) {
            try await store.client.withConnection(.single) { connection in
                switch point {
                case .version(let version): try loader.load(id, at: version, on: connection).snapshot
                }
            }
        }
    }

    /// The events of an aggregate, in order. Each iteration reads anew; none for an aggregate that was never seen.
    public func history(_ key: String) throws -> History<A> {
        History(store: store, id: try AggregateID(A.type, key: key))
    }

    // MARK: Execute

    /// Lets the aggregate decide `command`, and commits what it decides.
    ///
    /// When another writer comes first, the aggregate is loaded again and decides again. After this returns, a query on the primary sees
    /// the commit's version.
    ///
    /// - Parameters:
    ///   - key: The aggregate's key; one that was never seen starts in its initial state.
    ///   - expected: The version that the caller has seen, if the command is only meant for it.
    ///   - commandID: What identifies the command, 1 to 256 bytes. It takes effect at most once on an aggregate: used again, it returns the
    ///     commit of the first time, whatever has happened since.
    ///   - now: The time that `decide` is given; the store's clock unless set.
    /// - Returns: The commit; nil when the aggregate decided that nothing happens.
    /// - Throws: `A.Rejection` when the aggregate refuses; ``DaybookError`` otherwise: `conflict` when the aggregate is not at `expected` or
    ///   rivals kept coming first, `outcomeUnknown` when the commit may have taken effect.
    @discardableResult
    public func execute(
        _ command: A.Command, on key: String, expecting expected: Int64? = nil, commandID: String? = nil, at now: Date? = nil
    ) async throws -> Commit? {
        try await commit(key, operation: "execute", expected, commandID) { state in
            try state.decide(command, at: now ?? store.configuration.clock.now())
        }
    }

    /// Appends `events` after `expected`, or throws and appends nothing: for facts that are not decided here, such as an import.
    ///
    /// The whole array becomes one commit: after a crash of this process or of the connection it is in the journal completely or not at
    /// all.
    ///
    /// - Parameter expected: The version the aggregate is at; 0 for one that has no events.
    /// - Throws: ``DaybookError/Code/conflict`` when the aggregate is not at `expected`, be it before or behind; the error carries the
    ///   version it is at.
    @discardableResult
    public func append(
        _ events: [A.Event], to key: String, expecting expected: Int64, commandID: String? = nil
    ) async throws -> Commit? {
        try await commit(key, operation: "append", expected, commandID) { _ in events }
    }

    private func commit(
        _ key: String, operation: String, _ expected: Int64?, _ commandID: String?,
        decide: @escaping @Sendable (A) throws -> [A.Event]
    ) async throws -> Commit? {
        let id = try AggregateID(A.type, key: key)
        if let commandID { try AggregateID.check(commandID, what: "command id", maximumBytes: 256) }
        return try await enriched(operation, id) {
            try await store.client.withConnection(.transaction) { connection in
                try store.requireInitialized(on: connection)
                return try await commit(id, expected, commandID, decide: decide, on: connection)
            }
        }
    }

    private func commit(
        _ id: AggregateID, _ expected: Int64?, _ commandID: String?, decide: @Sendable (A) throws -> [A.Event],
        on connection: isolated MongoConnection
    ) async throws -> Commit? {
        let deadline = ContinuousClock.now + store.configuration.commitTimeout
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            var loaded = try loader.load(id, on: connection)
            if let expected, loaded.fold.version != expected {
                if let original = try original(commandID, id, on: connection) { return original }
                throw DaybookError(
                    .conflict, "it is at version \(loaded.fold.version), not at the expected version \(expected)",
                    aggregateID: id.rawValue,
                    version: loaded.fold.version)
            }
            let events: [A.Event]
            do {
                events = try decide(loaded.fold.state)
            } catch {
                // What is refused now may be what took effect before: a repeated command gets its first answer.
                if let original = try original(commandID, id, on: connection) { return original }
                throw error
            }
            guard !events.isEmpty else { return try original(commandID, id, on: connection) }
            var draft = AggregateDraft(loaded, snapshots: snapshots)
            try draft.append(events, commandID: commandID, folding: &loaded.fold)
            let prepared = try PreparedCommit([draft], clock: store.configuration.clock)
            switch try await prepared.send(
                on: connection, inOpenTransaction: false, journal: store.journal, deadline: deadline, logger: store.logger)
            {
            case .committed: return prepared.commits.first
            case .commandKnown(let error):
                do {
                    if let original = try original(commandID, id, on: connection) { return original }
                } catch is MongoError {
                    // It has taken effect; that its commit cannot be read now must not be told as if it had not.
                }
                try DaybookStore.giveUp(.commandKnown(error), id, after: deadline)
            case .lost(let error):
                // Not every server says which index refused: then it may have been the one of command ids.
                if error.code == .duplicateKey, let original = try original(commandID, id, on: connection) { return original }
                try DaybookStore.giveUp(.lost(error), id, after: deadline)
            }
            await backoff.wait()
        }
    }
}

extension Repository {
    /// The commit by which a command took effect before, if it did.
    private func original(_ commandID: String?, _ id: AggregateID, on connection: isolated MongoConnection) throws -> Commit? {
        guard let commandID else { return nil }
        return try store.journal.commit(of: commandID, on: id, connection: connection)
    }
}

/// A point in an aggregate's history.
public enum PointInHistory: Sendable, Hashable {
    /// After this many events.
    case version(Int64)
}
