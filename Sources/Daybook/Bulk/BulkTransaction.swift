internal import DaybookBSON
public import Foundation
internal import Synchronization

/// Several aggregates of a ``BulkBatch`` changed together. Valid only inside its closure.
public actor BulkTransaction: StoreTransaction {
    private let batch: BulkBatch
    private var buffer = TransactionBuffer()

    init(_ batch: BulkBatch) {
        self.batch = batch
    }

    /// The aggregate as this transaction sees it.
    public func load<A: Aggregate>(_ key: String, of aggregate: A.Type) throws -> Snapshot<A> {
        try current(AggregateID(A.type, key: key), A.self).snapshot
    }

    /// Decides `command` on an aggregate; see ``DaybookTransaction``.
    @discardableResult
    public func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, expecting expected: Int64?, commandID: String?,
        at now: Date?
    ) throws -> Int64 {
        let id = try AggregateID(A.type, key: key)
        guard let now else {
            throw DaybookError(.invalidArgument, "a batch has no time of its own", aggregateID: id.rawValue)
        }
        let identity = try CommandIdentity(command, id: commandID)
        if let known = try known(identity, id) { return known }
        let loaded = Loaded(fold: try current(id, A.self), basis: .read(nil))
        // No `kind`: a snapshot is made only of the state at the batch's end.
        return try buffer.execute(command, identity, on: loaded, expecting: expected, at: now, of: nil)
    }

    func finish() -> TransactionBuffer {
        buffer.close()
        return buffer
    }

    private func current<A: Aggregate>(_ id: AggregateID, _ aggregate: A.Type) throws -> Fold<A> {
        try buffer.requireOpen(for: id)
        return try (buffer.folds[id] ?? batch.state.withLock { $0.folds[id] })?.of(A.self) ?? Fold(id)
    }

    /// The version at which this command took effect earlier.
    private func known(_ command: CommandIdentity, _ id: AggregateID) throws -> Int64? {
        guard let key = command.key else { return nil }
        let effect = buffer.effect(of: command, on: id) ?? batch.state.withLock { $0.commands[id]?[key] }
        return try effect?.version(repeatedBy: command)
    }
}
