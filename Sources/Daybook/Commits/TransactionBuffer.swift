internal import DaybookBSON
internal import Foundation

/// What a transaction has executed so far: one change for each aggregate, and each changed aggregate's new state.
struct TransactionBuffer: Sendable {
    /// In the order in which the aggregates were first changed.
    private(set) var changes: [AggregateChange] = []
    private var places: [AggregateID: Int] = [:]
    private(set) var folds: [AggregateID: any AnyFold] = [:]
    private var isOver = false

    /// Closes the transaction: no command can be executed after it.
    mutating func close() { isOver = true }

    /// - Throws: ``DaybookError/Code/invalidTransaction`` when the transaction is closed.
    func requireOpen(for id: AggregateID, operation: String? = nil) throws {
        guard isOver else { return }
        throw DaybookError(
            .invalidTransaction, "the transaction is over: its closure has returned", aggregateID: id.rawValue,
            operation: operation)
    }

    /// The effect that a command with this id has had in this transaction.
    func effect(of command: CommandIdentity, on id: AggregateID) -> CommandEffect? {
        guard let key = command.key, let place = places[id] else { return nil }
        return changes[place].commands[key]
    }

    /// Executes a command on an aggregate, and records what it decides.
    ///
    /// - Parameter kind: Nil where the snapshot is not written by the commit.
    /// - Returns: The aggregate's version after the command.
    mutating func execute<A: Aggregate>(
        _ command: A.Command, _ identity: CommandIdentity, on loaded: Loaded<A>, expecting expected: Int64?,
        at now: Date, of kind: (any AggregateKind)?
    ) throws -> Int64 {
        var fold = loaded.fold
        try fold.require(expected)
        let events = try fold.state.decide(command, at: now)
        guard !events.isEmpty else { return fold.version }
        let place = places[fold.id]
        var change = place.map { changes[$0] } ?? AggregateChange(loaded, of: kind)
        // All or nothing: the caller may continue after an event that cannot be encoded.
        try change.append(fold.coding.encode(events), command: identity, folding: &fold)
        if let place {
            changes[place] = change
        } else {
            places[fold.id] = changes.count
            changes.append(change)
        }
        folds[fold.id] = fold
        return fold.version
    }
}
