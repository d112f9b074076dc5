internal import Metrics

/// What is counted of one kind of aggregate; each has the dimension `aggregate`.
final class AggregateMetrics: Sendable {
    /// Commits that took effect.
    let commits: Counter
    /// Events appended.
    let events: Counter
    /// Attempts that another writer forestalled.
    let conflicts: Counter
    /// Attempts that were made again, for whatever reason.
    let retries: Counter
    /// Aggregates loaded, also for a command.
    let loads: Counter
    /// Commands that were decided on what the store had in memory, and loads that began with it.
    let cacheHits: Counter
    /// Events folded while loading.
    let eventsFolded: Counter
    /// Snapshots that were not believed, and the journal folded instead.
    let snapshotsIgnored: Counter
    /// Snapshots written behind a commit.
    let snapshotsPosted: Counter
    /// Snapshots that could not be written behind a commit, and lag.
    let snapshotsDropped: Counter
    /// Snapshots over the size that is warned about.
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

    /// An attempt is made again.
    ///
    /// - Parameter isConflict: Whether another writer came first.
    func countRetry(isConflict: Bool) {
        if isConflict { conflicts.increment() }
        retries.increment()
    }

    /// A commit of so many events took effect.
    func countCommit(of eventCount: Int) {
        commits.increment()
        events.increment(by: eventCount)
    }
}
