/// An aggregate as it was loaded, folded to its head.
struct Loaded<A: Aggregate>: Sendable {
    var fold: Fold<A>
    var basis: SnapshotBasis
    /// Of the encoded state, where it is known.
    var stateBytes: Int?
    /// Events came after the snapshot: it lags, or a rival has written it between the two reads.
    var hasTail = false
}
