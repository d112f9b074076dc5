internal import DaybookBSON
internal import DaybookMongo
public import Foundation
internal import Synchronization

/// Several aggregates of a ``BulkBatch`` changed together. It is only valid inside its closure.
public actor BulkTransaction: StoreTransaction {
    private let batch: BulkBatch
    /// In the order in which they were first changed.
    private var drafts: [AggregateChange] = []
    private var places: [AggregateID: Int] = [:]
    private var folds: [AggregateID: any AnyFold] = [:]
    private var isOver = false

    init(_ batch: BulkBatch) {
        self.batch = batch
    }

    /// The aggregate as this transaction sees it.
    public func load<A: Aggregate>(_ key: String, of aggregate: A.Type) throws -> Snapshot<A> {
        try current(AggregateID(A.type, key: key), A.self).snapshot
    }

    /// Lets an aggregate decide `command`; see ``DaybookTransaction``.
    @discardableResult
    public func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, expecting expected: Int64?, commandID: String?, at now: Date?
    ) throws -> Int64 {
        let id = try AggregateID(A.type, key: key)
        guard let now else { throw DaybookError(.invalidArgument, "a batch has no time of its own", aggregateID: id.rawValue) }
        let identity = try CommandIdentity(command, id: commandID)
        if let known = try known(identity, id) { return known }
        var fold = try current(id, A.self)
        if let expected, fold.version != expected {
            throw DaybookError(
                .conflict, "it is at version \(fold.version), not at the expected version \(expected)", aggregateID: id.rawValue,
                version: fold.version)
        }
        let events = try fold.state.decide(command, at: now)
        guard !events.isEmpty else { return fold.version }
        // A snapshot is only made of the state at the end.
        var draft =
            places[id].map { drafts[$0] }
            ?? AggregateChange(Loaded(fold: fold, basis: .read(nil)), of: nil)
        try draft.append(fold.coding.encode(events), command: identity, folding: &fold)
        if let place = places[id] {
            drafts[place] = draft
        } else {
            places[id] = drafts.count
            drafts.append(draft)
        }
        folds[id] = fold
        return fold.version
    }

    func finish() -> (drafts: [AggregateChange], folds: [AggregateID: any AnyFold]) {
        isOver = true
        return (drafts, folds)
    }

    private func current<A: Aggregate>(_ id: AggregateID, _ aggregate: A.Type) throws -> Fold<A> {
        guard !isOver else {
            throw DaybookError(
                .invalidTransaction, "the transaction is over: its closure has returned", aggregateID: id.rawValue)
        }
        guard let known = folds[id] ?? batch.state.withLock({ $0.folds[id] }) else { return Fold(id) }
        guard let fold = known as? Fold<A> else {
            throw DaybookError(
                .invalidTransaction, "two kinds of aggregate share the type \"\(A.type)\"", aggregateID: id.rawValue)
        }
        return fold
    }

    /// The version at which a command took effect before.
    private func known(_ command: CommandIdentity, _ id: AggregateID) throws -> Int64? {
        guard let key = command.key,
            let known = places[id].flatMap({ drafts[$0].commands[key] })
                ?? batch.state.withLock({ $0.commands[id]?[key] })
        else { return nil }
        let recorded = EventMetadata(commandName: known.identity.name, commandDigest: known.identity.digest)
        guard !command.isContradicted(by: recorded) else { throw command.reused(by: recorded, known.version) }
        return known.version
    }
}
