internal import DaybookBSON
internal import Foundation

/// A ``Fold`` of any aggregate type.
protocol AnyFold: Sendable {
    associatedtype Folded: Aggregate

    var id: AggregateID { get }
    /// Whether a snapshot of the state is kept.
    var keepsSnapshot: Bool { get }

    mutating func commit(headID: UUID, at recordedAt: BSONDate)
    func stored() throws -> StoredSnapshot?
}

extension Fold: AnyFold {
    typealias Folded = A
}

extension AnyFold {
    /// - Throws: ``DaybookError/Code/invalidTransaction`` when it folds another type of aggregate.
    func of<A: Aggregate>(_ aggregate: A.Type) throws -> Fold<A> {
        guard let fold = self as? Fold<A> else {
            throw DaybookError(
                .invalidTransaction, "two kinds of aggregate share the type \"\(A.type)\"", aggregateID: id.rawValue)
        }
        return fold
    }
}
