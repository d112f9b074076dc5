internal import DaybookBSON
internal import Foundation

/// A ``Fold``, whatever it folds.
protocol AnyFold: Sendable {
    associatedtype Folded: Aggregate

    /// Whether a snapshot of the state is kept.
    var keepsSnapshot: Bool { get }

    mutating func commit(headID: UUID, at recordedAt: BSONDate)
    func stored() throws -> StoredSnapshot?
}

extension Fold: AnyFold {
    typealias Folded = A
}
