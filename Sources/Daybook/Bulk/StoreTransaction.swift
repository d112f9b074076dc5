public import Foundation

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

extension DaybookTransaction: StoreTransaction {}
