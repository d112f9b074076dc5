public import Daybook

/// What a reconciliation is about, and how fast it may go.
public struct ReconcileOptions: Sendable {
    /// The kinds of aggregates; every one that the store was made with where it is empty.
    public var types: [AggregateType] = []
    /// Only these aggregates, where there are any.
    public var ids: [AggregateID] = []
    /// How many ranges of ids are worked at, at a time. 2: one range waits for the server while the other is folded.
    /// Each takes up to three connections; of more than the store has connections for, only so many work.
    public var workers = 2
    /// How many snapshots are written a second, at most; as many as can be unless set.
    public var aggregatesPerSecond: Double?
    /// Whether nothing is written: the report tells what would have been.
    public var isDryRun = false

    /// Whether a full ``Daybook/DaybookStore/verify(_:depth:progress:)`` looks for commits of which a part is missing.
    /// Not for a journal into which only some types of another were imported: there commits over several aggregates
    /// need not be whole.
    public var checksCommits = true

    /// Every aggregate of the store, as fast as can be.
    public init() {}

    /// - Throws: ``DaybookError/Code/invalidArgument``
    func check() throws(DaybookError) {
        guard workers > 0 else { throw DaybookError(.invalidArgument, "it takes at least one worker") }
        if let rate = aggregatesPerSecond, !(rate > 0 && rate.isFinite) {
            throw DaybookError(.invalidArgument, "a rate is more than 0 a second")
        }
    }
}

/// How closely ``Daybook/DaybookStore/verify(_:depth:progress:)`` looks.
public enum VerifyDepth: Sendable {
    /// Folds every aggregate and compares every byte.
    case full
    /// Compares the journal's last version with the snapshot's, and the snapshot with its own digest; reads no event's
    /// content. It does not find a snapshot that was edited together with its digest, an event that cannot be
    /// decoded, a state that another program would have folded, nor a commit of which a part is missing.
    case quick
}
