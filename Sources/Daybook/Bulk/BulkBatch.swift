internal import DaybookBSON
internal import Foundation
internal import Synchronization

/// Commits on new aggregates, folded in memory and not yet written. Their documents are, to the byte, what a store's
/// transactions at the same times would have written. ``BulkLoader`` writes them.
///
/// ```swift
/// let batch = BulkBatch(clock: simulation.commitClock)
/// try await batch.transaction { tx in
///     try await tx.execute(
///         .add(2), on: "visits", of: Counter.self, expecting: nil, commandID: "request-7", at: monday)
/// }
/// try await loader.append(batch)
/// ```
///
/// It starts empty: every aggregate is at version 0. A batch is held in memory, so keep it small: one family of
/// aggregates that belong together. Its transactions run one after another.
public final class BulkBatch: TransactionalStore {
    struct State: Sendable {
        /// The `Fold` of every aggregate, at its head. Erased, because the aggregates have different types.
        var folds: [AggregateID: any AnyFold] = [:]
        var commands: [AggregateID: [BSONValue: CommandEffect]] = [:]
        /// In the order of the commits.
        var events: [StoredEvent] = []
        var commits = 0
    }

    let state = Mutex(State())
    private let clock: CommitClock
    private let allowedHeaders: Set<String>

    /// - Parameters:
    ///   - clock: Time and randomness of its commits. The same clock makes the same documents.
    ///   - allowedHeaders: As in ``DaybookConfiguration/allowedHeaders``.
    public init(clock: CommitClock, allowedHeaders: Set<String> = []) {
        self.clock = clock
        self.allowedHeaders = allowedHeaders
    }

    /// How many commits it holds.
    public var commits: Int { state.withLock { $0.commits } }

    /// How many events it holds.
    public var events: Int { state.withLock { $0.events.count } }

    /// The events as the journal would have them, in the order of the commits.
    package var storedEvents: [StoredEvent] { state.withLock { $0.events } }

    /// Runs `body` once, and keeps what it executed as one commit. Nothing is kept when it throws.
    ///
    /// - Throws: What `body` throws; ``DaybookError``: `invalidTransaction` when another transaction of the batch ended
    ///   in the meantime.
    @discardableResult
    public func transaction<R: Sendable>(
        context: CommandContext = .none, _ body: @Sendable (BulkTransaction) async throws -> R
    ) async throws -> R {
        let context = try context.admitted(allowedHeaders)
        let commits = commits
        let transaction = BulkTransaction(self)
        let result = try await body(transaction)
        let buffer = await transaction.finish()
        guard !buffer.changes.isEmpty else { return result }
        let commit = try PreparedCommit(buffer.changes, context: context, at: clock.now(), random: clock.random)
        try state.withLock { state in
            guard state.commits == commits else {
                throw DaybookError(.invalidTransaction, "the transactions of a batch come one after the other")
            }
            try state.append(commit, buffer)
        }
        return result
    }
}

extension BulkBatch.State {
    fileprivate mutating func append(_ commit: PreparedCommit, _ buffer: TransactionBuffer) throws {
        events += try commit.events.map { try StoredEvent($0) }
        for (change, decided) in zip(commit.changes, buffer.changes) {
            var fold = buffer.folds[change.aggregateID]
            fold?.commit(headID: change.lastEventID, at: commit.recordedAt)
            folds[change.aggregateID] = fold
            commands[change.aggregateID, default: [:]].merge(decided.commands) { first, _ in first }
        }
        commits += 1
    }
}
