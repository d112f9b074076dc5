/// What is known of the stored snapshot that a change of an aggregate is based on.
enum SnapshotBasis: Sendable {
    /// A load found this in the collection; nil where there was no snapshot.
    case read(BorrowedSnapshot.Identity?)
    /// From the cache: what the last commit or load of this process left. Nothing was read since then. Nil where
    /// snapshots are written after their commits, because then it is not known what is stored.
    case cached(BorrowedSnapshot.Identity?)

    var identity: BorrowedSnapshot.Identity? {
        switch self {
        case .read(let identity), .cached(let identity): identity
        }
    }

    var isCached: Bool { if case .cached = self { true } else { false } }
}
