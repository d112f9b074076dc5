internal import DaybookBSON
internal import DaybookMongo
public import Foundation
internal import Logging
internal import Metrics

/// Several aggregates changed together, all or nothing; see ``DaybookStore/transaction(context:_:)``.
///
/// It reads one snapshot of the database, and what it executed itself is seen by what it executes next. Nothing is written before the
/// closure has returned. It is only valid inside that closure.
public actor DaybookTransaction {
    private let store: DaybookStore
    private let connection: MongoConnection
    /// In the order in which they were first changed.
    private var drafts: [AggregateDraft] = []
    private var places: [AggregateID: Int] = [:]
    /// The `Fold` of every aggregate that was changed.
    private var folds: [AggregateID: any Sendable] = [:]
    private var guards: [AggregateID: AggregateGuard] = [:]
    private var isOver = false

    /// The connection's own thread: its methods are called without leaving it.
    nonisolated public var unownedExecutor: UnownedSerialExecutor { connection.unownedExecutor }

    init(store: DaybookStore, connection: MongoConnection) {
        self.store = store
        self.connection = connection
    }

    /// The aggregate as this transaction sees it.
    ///
    /// MongoDB does not protect what a transaction only reads: an aggregate that is loaded here, and not changed, may be changed by others
    /// before the commit. ``guard(_:of:)`` protects it.
    public func load<A: Aggregate>(_ key: String, of aggregate: A.Type) throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try perform("load", id) { try current(id, A.self).fold.snapshot }
    }

    /// Lets an aggregate decide `command`; what it decides is part of the commit.
    ///
    /// - Parameter commandID: What identifies the command. When it took effect on this aggregate before, nothing is added.
    /// - Returns: The version the aggregate is at with it.
    /// - Throws: `A.Rejection` when the aggregate refuses; ``DaybookError``.
    @discardableResult
    public func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, expecting expected: Int64? = nil, commandID: String? = nil,
        at now: Date? = nil
    ) throws -> Int64 {
        let id = try AggregateID(A.type, key: key)
        return try perform("execute", id) {
            let identity = try CommandIdentity(
                command, id: commandID, encoder: store.repository(A.self).coding.commandEncoder)
            if let known = try known(identity, id) { return known }
            var loaded = try current(id, A.self)
            if let expected, loaded.fold.version != expected {
                throw DaybookError(
                    .conflict, "it is at version \(loaded.fold.version), not at the expected version \(expected)",
                    aggregateID: id.rawValue, version: loaded.fold.version)
            }
            let events = try loaded.fold.state.decide(command, at: now ?? store.clock.now())
            if !events.isEmpty { try add(events, to: &loaded, identity) }
            return loaded.fold.version
        }
    }

    /// Makes sure that an aggregate which is not changed here is at the same version when the transaction commits as it is now.
    ///
    /// It costs a write to the aggregate's snapshot. Use it where a decision on one aggregate rests on the state of another.
    ///
    /// - Returns: The aggregate as this transaction sees it.
    /// - Throws: ``DaybookError/Code/invalidTransaction`` for an aggregate whose lifecycle is not ``Lifecycle/inline``: its commits write
    ///   nothing but new events, so there is nothing of it that a transaction could hold.
    @discardableResult
    public func `guard`<A: Aggregate>(_ key: String, of aggregate: A.Type) throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try perform("guard", id) {
            guard A.lifecycle == .inline else {
                throw DaybookError(
                    .invalidTransaction,
                    "an aggregate of lifecycle \(A.lifecycle) cannot be guarded; declare \(A.self) inline, or let a command change it"
                )
            }
            let fold = try current(id, A.self).fold
            if places[id] == nil {
                guards[id] = try AggregateGuard(fold, snapshots: store.repository(A.self).snapshots)
            }
            return fold.snapshot
        }
    }

    /// What was executed and guarded, for the commit; nothing can be executed after it.
    func finish() -> (drafts: [AggregateDraft], guards: [AggregateGuard]) {
        isOver = true
        return (drafts, guards.values.filter { places[$0.aggregateID] == nil })
    }

    private func add<A: Aggregate>(_ events: [A.Event], to loaded: inout Loaded<A>, _ command: CommandIdentity) throws {
        let id = loaded.fold.id
        let place = places[id]
        let repository = store.repository(A.self)
        var draft = place.map { drafts[$0] } ?? AggregateDraft(loaded, snapshots: repository.snapshots)
        draft.catchUp = repository.catchUpAfterPost(id, isAssumed: loaded.isAssumed)
        // Kept only as a whole: the caller may go on after an event that cannot be encoded.
        try draft.append(loaded.fold.coding.encode(events), command: command, folding: &loaded.fold)
        if let place {
            drafts[place] = draft
        } else {
            places[id] = drafts.count
            drafts.append(draft)
        }
        folds[id] = loaded.fold
    }

    private func current<A: Aggregate>(_ id: AggregateID, _ aggregate: A.Type) throws -> Loaded<A> {
        if let fold = folds[id] {
            guard let fold = fold as? Fold<A> else {
                throw DaybookError(
                    .invalidTransaction, "two kinds of aggregate share the type \"\(A.type)\"", aggregateID: id.rawValue)
            }
            return Loaded(fold: fold, stored: nil)
        }
        let loader = store.repository(A.self).loader
        return try connection.assumeIsolated { try loader.load(id, on: $0) }
    }

    /// The version at which a command took effect, before or in this transaction.
    private func known(_ command: CommandIdentity, _ id: AggregateID) throws -> Int64? {
        guard let key = command.key else { return nil }
        if let place = places[id], let known = drafts[place].commands[key] {
            let recorded = EventMetadata(commandName: known.identity.name, commandDigest: known.identity.digest)
            guard !command.isContradicted(by: recorded) else { throw command.reused(by: recorded, known.version) }
            return known.version
        }
        let journal = store.journal
        return try connection.assumeIsolated { try journal.commit(of: command, on: id, connection: $0)?.version }
    }

    private func perform<R>(_ operation: String, _ id: AggregateID, _ body: () throws -> R) throws -> R {
        guard !isOver else {
            throw DaybookError(
                .invalidTransaction, "the transaction is over: its closure has returned", aggregateID: id.rawValue,
                operation: operation)
        }
        do {
            try Task.checkCancellation()
            return try body()
        } catch {
            throw DaybookError.enriching(error, operation: operation, aggregateID: id)
        }
    }
}

extension DaybookStore {
    /// Runs `body`, and commits what it executed on all aggregates together: everything or nothing.
    ///
    /// `body` may run several times: when another writer changed one of the aggregates first, or a connection died, it starts again on a
    /// fresh state. So it should do nothing but call the transaction. What it throws is thrown, and nothing is written. A second
    /// transaction inside it would wait for itself.
    ///
    /// ```swift
    /// try await store.transaction { tx in
    ///     try await tx.execute(.open(license: "L-1"), on: "m-1", of: Member.self)
    ///     try await tx.execute(.create(member: "m-1"), on: "L-1", of: License.self)
    /// }
    /// ```
    ///
    /// - Parameter context: On whose behalf, and in what connection; recorded with every event.
    /// - Throws: What `body` throws; ``DaybookError``: `conflict` when rivals kept coming first, `outcomeUnknown` when the commit may have
    ///   taken effect.
    @discardableResult
    public func transaction<R: Sendable>(
        context: CommandContext = .none, _ body: @Sendable (DaybookTransaction) async throws -> R
    ) async throws -> R {
        try await telemetry.perform("transaction") {
            let context = try context.admitted(configuration.allowedHeaders)
            return try await commitsUnderWay.run {
                let (result, commit) = try await client.withConnection(.transaction) { connection in
                    try ready(connection)
                    return try await transaction(body, context, on: connection)
                }
                if let commit {
                    for change in commit.changes { cache.remove(change.aggregateID) }
                    await took(effect: commit)
                }
                return result
            }
        }
    }

    private func transaction<R: Sendable>(
        _ body: @Sendable (DaybookTransaction) async throws -> R, _ context: CommandContext,
        on connection: isolated MongoConnection
    ) async throws -> (R, PreparedCommit?) {
        let deadline = ContinuousClock.now + configuration.commitTimeout
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            try connection.beginTransaction()
            let transaction = DaybookTransaction(store: self, connection: connection)
            var outcome: PreparedCommit.Outcome
            var touched: [AggregateType] = []
            do {
                let result = try await body(transaction)
                let (drafts, guards) = await transaction.finish()
                touched = drafts.map(\.aggregateID.type)
                // An error that `body` swallowed has ended the transaction all the same.
                if let poison = connection.poison { throw poison }
                guard !drafts.isEmpty else {
                    connection.endTransaction()
                    return (result, nil)
                }
                let prepared = try PreparedCommit(drafts, guards: guards, context: context, clock: clock.corrected)
                // A rival with the same command id is no refusal: the next run finds its commit.
                outcome = try await prepared.send(
                    on: connection, inOpenTransaction: true, journal: journal, deadline: deadline, logger: telemetry.logger)
                if case .committed = outcome { return (result, prepared) }
            } catch {
                let poison = connection.poison
                touched = await transaction.finish().drafts.map(\.aggregateID.type)
                connection.endTransaction()
                guard let poison, poison.canBeTriedAgain else { throw error }
                outcome = .lost(poison)
            }
            connection.endTransaction()
            for type in touched { telemetry.metrics(of: type).count(outcome) }
            try Self.giveUp(outcome, nil, after: deadline)
            await backoff.wait()
        }
    }
}
