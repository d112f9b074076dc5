public import Foundation

/// Where commands on several aggregates are committed together: a ``DaybookStore``, or a ``BulkBatch`` that keeps them in memory.
///
/// An application that is written for any of them can be tested without a server, and can make a population that a ``BulkLoader`` writes.
public protocol TransactionalStore: Sendable {
    associatedtype Transaction: StoreTransaction

    /// Runs `body` and commits what it executed, all or nothing; see ``DaybookStore/transaction(context:_:)``.
    @discardableResult
    func transaction<R: Sendable>(
        context: CommandContext, _ body: @Sendable (Transaction) async throws -> R
    ) async throws -> R
}

/// What can be done inside a transaction; see ``DaybookTransaction``.
public protocol StoreTransaction: Sendable {
    /// The aggregate as this transaction sees it.
    func load<A: Aggregate>(_ key: String, of aggregate: A.Type) async throws -> Snapshot<A>

    /// Lets an aggregate decide `command`; what it decides is part of the commit.
    ///
    /// - Returns: The version the aggregate is at with it.
    /// - Throws: `A.Rejection` when the aggregate refuses; ``DaybookError``.
    @discardableResult
    func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, expecting expected: Int64?, commandID: String?, at now: Date?
    ) async throws -> Int64
}

extension StoreTransaction {
    /// As the requirement, where no version is expected.
    @discardableResult
    public func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, commandID: String? = nil, at now: Date?
    ) async throws -> Int64 {
        try await execute(command, on: key, of: aggregate, expecting: nil, commandID: commandID, at: now)
    }
}

extension DaybookStore: TransactionalStore {}
extension DaybookTransaction: StoreTransaction {}
