/// How the snapshot of an aggregate is kept.
public enum Lifecycle: String, Sendable, CaseIterable {
    /// In the transaction of the commit: a query on the primary that starts after a commit returned sees it. Each commit is a transaction.
    case inline
    /// Behind the commit, in batches: the journal insert alone is the commit, and a commit of one event needs no transaction. Loads are right at
    /// once; queries follow, and can wait for a commit.
    case async
    /// Not at all: every load folds the journal, and there is nothing to query. For aggregates of few events.
    case live
}
