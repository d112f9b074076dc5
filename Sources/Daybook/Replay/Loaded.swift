/// An aggregate as it was loaded, folded to its head.
struct Loaded<A: Aggregate>: Sendable {
    var fold: Fold<A>
    var basis: SnapshotBasis
    /// The size of the encoded state, where it is known.
    var stateBytes: Int?
    /// Whether events followed the snapshot: it lags, or a rival committed between the reads of snapshot and journal.
    var hasTail = false
}
