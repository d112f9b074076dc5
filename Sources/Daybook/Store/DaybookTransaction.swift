internal import DaybookMongo
public import Foundation

/// Several aggregates changed together, all or nothing; see ``DaybookStore/transaction(context:_:)``.
///
/// It reads one snapshot of the database, and what it executed itself is seen by what it executes next. Nothing is written before the
/// closure has returned. It is only valid inside that closure.
public actor DaybookTransaction {
    private let store: DaybookStore
    private let connection: MongoConnection
    /// In the order in which they were first changed.
    private var drafts: [AggregateChange] = []
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
    func finish() -> (drafts: [AggregateChange], guards: [AggregateGuard]) {
        isOver = true
        return (drafts, guards.values.filter { places[$0.aggregateID] == nil })
    }

    private func add<A: Aggregate>(_ events: [A.Event], to loaded: inout Loaded<A>, _ command: CommandIdentity) throws {
        let id = loaded.fold.id
        let place = places[id]
        var draft = place.map { drafts[$0] } ?? AggregateChange(loaded, of: store.repository(A.self).loader)
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
            return Loaded(fold: fold, basis: .read(nil))
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
            throw DaybookError.enriching(error, operation: operation, aggregateID: id.rawValue)
        }
    }
}
