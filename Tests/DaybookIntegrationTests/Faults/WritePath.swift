import Daybook
import IntegrationSupport
import Testing

/// The ways to write through the public API, each adding `amount` to one account in one event.
enum WritePath: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case execute, append, transaction

    var testDescription: String { rawValue }

    /// - Returns: The commit, where this way gives it.
    func deposit(
        _ amount: Int, on key: String, in store: DaybookStore, expecting version: Int64, commandID: String? = nil
    ) async throws -> Commit? {
        switch self {
        case .execute: try await store.repository(Account.self).execute(.deposit(amount), on: key, commandID: commandID)
        case .append:
            try await store.repository(Account.self)
                .append([.deposited(amount: amount)], to: key, expecting: version, commandID: commandID)
        case .transaction:
            try await store.transaction { transaction in
                try await transaction.execute(.deposit(amount), on: key, of: Account.self, commandID: commandID)
                return nil
            }
        }
    }
}
