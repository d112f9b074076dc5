internal import DaybookMongo
public import Foundation

/// Several aggregates changed together, all or nothing; see ``DaybookStore/transaction(context:_:)``.
///
/// It reads one snapshot of the database, and a command sees what earlier commands of the transaction did. Nothing is
/// written before the closure has returned. The transaction is valid only inside that closure.
public actor DaybookTransaction {
    private let store: DaybookStore
    private let connection: MongoConnection
    private var buffer = TransactionBuffer()
    private var guards: [AggregateID: AggregateGuard] = [:]

    /// The connection's own thread, so that its methods are called without changing threads.
    nonisolated public var unownedExecutor: UnownedSerialExecutor { connection.unownedExecutor }

    init(store: DaybookStore, connection: MongoConnection) {
        self.store = store
        self.connection = connection
    }

    /// The aggregate as this transaction sees it.
    ///
    /// MongoDB does not protect what a transaction only reads: other writers may change an aggregate that is loaded
    /// here, and not changed, before the commit. ``guard(_:of:)`` protects it.
    public func load<A: Aggregate>(_ key: String, of aggregate: A.Type) throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try perform("load", id) { try current(id, A.self).fold.snapshot }
    }

    /// Decides `command` on an aggregate. The events become part of the transaction's commit.
    ///
    /// - Parameter commandID: The id of the command. If it took effect on this aggregate earlier, nothing is added.
    /// - Returns: The aggregate's version after the command.
    /// - Throws: `A.Rejection` when the aggregate refuses; ``DaybookError``.
    @discardableResult
    public func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, expecting expected: Int64? = nil,
        commandID: String? = nil,
        at now: Date? = nil
    ) throws -> Int64 {
        let id = try AggregateID(A.type, key: key)
        return try perform("execute", id) {
            let loader = store.repository(A.self).loader
            let identity = try CommandIdentity(command, id: commandID, encoder: loader.coding.commandEncoder)
            if let known = try known(identity, id) { return known }
            let loaded = try current(id, A.self)
            return try buffer.execute(
                command, identity, on: loaded, expecting: expected, at: now ?? store.clock.now(), of: loader)
        }
    }

    /// Guards an aggregate that is not changed here: the transaction commits only if the aggregate still has its
    /// present version.
    ///
    /// It costs a write to the aggregate's snapshot. Use it where a decision on one aggregate depends on the state of
    /// another.
    ///
    /// - Returns: The aggregate as this transaction sees it.
    /// - Throws: ``DaybookError/Code/invalidTransaction`` for an aggregate whose lifecycle is not ``Lifecycle/inline``:
    ///   its commits write nothing but new events, so a transaction has no document to guard it by.
    @discardableResult
    public func `guard`<A: Aggregate>(_ key: String, of aggregate: A.Type) throws -> Snapshot<A> {
        let id = try AggregateID(A.type, key: key)
        return try perform("guard", id) {
            guard A.lifecycle == .inline else {
                throw DaybookError(
                    .invalidTransaction,
                    "an aggregate of lifecycle \(A.lifecycle) cannot be guarded; declare \(A.self) inline, or let a "
                        + "command change it"
                )
            }
            let fold = try current(id, A.self).fold
            // A change protects it already.
            if buffer.folds[id] == nil {
                guards[id] = AggregateGuard(
                    aggregateID: id, snapshots: store.repository(A.self).snapshots, version: fold.version,
                    snapshot: fold.keepsSnapshot ? try fold.stored()?.document() : nil)
            }
            return fold.snapshot
        }
    }

    /// The changes and guards for the commit. No command can be executed after it.
    func finish() -> (changes: [AggregateChange], guards: [AggregateGuard]) {
        buffer.close()
        return (buffer.changes, guards.values.filter { buffer.folds[$0.aggregateID] == nil })
    }

    private func current<A: Aggregate>(_ id: AggregateID, _ aggregate: A.Type) throws -> Loaded<A> {
        if let fold = buffer.folds[id] { return Loaded(fold: try fold.of(A.self), basis: .read(nil)) }
        let loader = store.repository(A.self).loader
        return try connection.assumeIsolated { try loader.load(id, on: $0) }
    }

    /// The version at which a command took effect, earlier or in this transaction.
    private func known(_ command: CommandIdentity, _ id: AggregateID) throws -> Int64? {
        guard command.key != nil else { return nil }
        if let effect = buffer.effect(of: command, on: id) { return try effect.version(repeatedBy: command) }
        let journal = store.journal
        return try connection.assumeIsolated { try journal.commit(of: command, on: id, connection: $0)?.version }
    }

    private func perform<R>(_ operation: String, _ id: AggregateID, _ body: () throws -> R) throws -> R {
        try buffer.requireOpen(for: id, operation: operation)
        do {
            try Task.checkCancellation()
            return try body()
        } catch {
            throw DaybookError.enriching(error, operation: operation, aggregateID: id.rawValue)
        }
    }
}
