/// What is known of the stored snapshot of an aggregate that is about to change.
enum SnapshotBasis: Sendable {
    /// What a load found in the collection; nil where there was none.
    case read(BorrowedSnapshot.Identity?)
    /// From the cache: what the last commit or load of this process left, and nothing was read since. Nil where
    /// snapshots are written after their commits: then it is not known what is stored.
    case cached(BorrowedSnapshot.Identity?)

    var identity: BorrowedSnapshot.Identity? {
        switch self {
        case .read(let identity), .cached(let identity): identity
        }
    }

    var isCached: Bool { if case .cached = self { true } else { false } }
}
