internal import Daybook
internal import DaybookMongo

/// One kind of aggregate as a reconciliation sees it.
struct ReconcileSubject: Sendable {
    let type: AggregateType
    let lifecycle: Lifecycle
    /// Where its snapshots are; nil where none are kept, or none are to be compared.
    var snapshots: Namespace?
    /// Whether an aggregate without a snapshot lacks it.
    var expectsSnapshots: Bool
}
