internal import Metrics

/// The metrics of one kind of aggregate. Each has the dimension `aggregate`.
final class AggregateMetrics: Sendable {
    /// Commits that took effect.
    let commits: Counter
    /// Events appended.
    let events: Counter
    /// Attempts that failed because another writer committed first.
    let conflicts: Counter
    /// Attempts that were repeated, for any reason.
    let retries: Counter
    /// Aggregates that were loaded, also for a command.
    let loads: Counter
    /// Commands that were decided on a cached aggregate, and loads that began with one.
    let cacheHits: Counter
    /// Events folded while loading.
    let eventsFolded: Counter
    /// Snapshots that were not trusted, so that the journal was folded instead.
    let snapshotsIgnored: Counter
    /// Snapshots that were written after their commit.
    let snapshotsPosted: Counter
    /// Snapshots that could not be written after their commit, and lag.
    let snapshotsDropped: Counter
    /// Snapshots above the size that is logged as a warning.
    let largeStates: Counter

    init(_ type: AggregateType, _ factory: any MetricsFactory) {
        func counter(_ label: String) -> Counter {
            Counter(label: "daybook.\(label)", dimensions: [("aggregate", type.rawValue)], factory: factory)
        }
        commits = counter("commits")
        events = counter("events.appended")
        conflicts = counter("conflicts")
        retries = counter("retries")
        loads = counter("loads")
        cacheHits = counter("cache.hits")
        eventsFolded = counter("events.folded")
        snapshotsIgnored = counter("snapshots.ignored")
        snapshotsPosted = counter("snapshots.posted")
        snapshotsDropped = counter("snapshots.dropped")
        largeStates = counter("states.large")
    }

    /// Counts an attempt that is repeated.
    ///
    /// - Parameter isConflict: Whether another writer committed first.
    func countRetry(isConflict: Bool) {
        if isConflict { conflicts.increment() }
        retries.increment()
    }

    /// Counts a commit of `eventCount` events that took effect.
    func countCommit(of eventCount: Int) {
        commits.increment()
        events.increment(by: eventCount)
    }
}
