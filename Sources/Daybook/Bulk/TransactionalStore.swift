/// A store that commits commands on several aggregates together: a ``DaybookStore``, or a ``BulkBatch`` that keeps the
/// commits in memory.
///
/// An application that is generic over this protocol can be tested without a server, and can make a population that a
/// ``BulkLoader`` writes.
public protocol TransactionalStore: Sendable {
    associatedtype Transaction: StoreTransaction

    /// Runs `body` and commits what it executed, all or nothing; see ``DaybookStore/transaction(context:_:)``.
    @discardableResult
    func transaction<R: Sendable>(
        context: CommandContext, _ body: @Sendable (Transaction) async throws -> R
    ) async throws -> R
}

extension DaybookStore: TransactionalStore {}
