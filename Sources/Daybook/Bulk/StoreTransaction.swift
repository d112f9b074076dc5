public import Foundation

/// The operations of a transaction; see ``DaybookTransaction``.
public protocol StoreTransaction: Sendable {
    /// The aggregate as this transaction sees it.
    func load<A: Aggregate>(_ key: String, of aggregate: A.Type) async throws -> Snapshot<A>

    /// Decides `command` on an aggregate. The events become part of the transaction's commit.
    ///
    /// - Returns: The aggregate's version after the command.
    /// - Throws: `A.Rejection` when the aggregate refuses; ``DaybookError``.
    @discardableResult
    func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, expecting expected: Int64?, commandID: String?,
        at now: Date?
    ) async throws -> Int64
}

extension StoreTransaction {
    /// Decides `command` on an aggregate at whatever version it is.
    @discardableResult
    public func execute<A: Aggregate>(
        _ command: A.Command, on key: String, of aggregate: A.Type, commandID: String? = nil, at now: Date?
    ) async throws -> Int64 {
        try await execute(command, on: key, of: aggregate, expecting: nil, commandID: commandID, at: now)
    }
}

extension DaybookTransaction: StoreTransaction {}
