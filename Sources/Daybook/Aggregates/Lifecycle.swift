/// How the snapshot of an aggregate is kept.
public enum Lifecycle: String, Sendable, CaseIterable {
    /// In the commit's transaction: a query on the primary that starts after the commit returned sees the new state.
    /// Each commit is a transaction.
    case inline
    /// After the commit, in batches. The journal insert alone is the commit, and a commit of one event needs no
    /// transaction. Loads see a commit at once; queries see it later, and can wait for it.
    case async
    /// Not kept: every load folds the journal, and there is nothing to query. For aggregates of few events.
    case live
}
