/// An aggregate as it was loaded: folded to its head, with what stood in the snapshot collection.
struct Loaded<A: Aggregate>: Sendable {
    var fold: Fold<A>
    /// Nil when there was no snapshot.
    var stored: BorrowedSnapshot.Identity?
    /// Nothing was read: it is as the last commit or load from here left it.
    var isAssumed = false
    /// Of the encoded state, where it is known.
    var stateBytes: Int?
    /// Events came behind the snapshot: it lags, or a rival has written it between the two reads.
    var hasTail = false
}
