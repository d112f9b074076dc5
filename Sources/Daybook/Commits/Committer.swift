internal import DaybookMongo

/// What the commits of one store share.
final class Committer: Sendable {
    let client: MongoClient
    let journal: Journal
    let telemetry: Telemetry
    let clock: ServerClock
    let readiness: JournalReadiness
    let cache: AggregateCache
    let group: GroupCommit
    let poster: SnapshotPoster
    let underWay = CommitsUnderWay()
    private let timeout: Duration

    /// - Parameters:
    ///   - cacheBytes: How much of the aggregates is kept between commits; see ``AggregateCache``.
    ///   - timeout: How long a commit is tried for.
    init(
        client: MongoClient, journal: Journal, telemetry: Telemetry, clock: CommitClock, cacheBytes: Int,
        timeout: Duration
    ) {
        self.client = client
        self.journal = journal
        self.telemetry = telemetry
        self.timeout = timeout
        self.clock = ServerClock(clock, telemetry: telemetry)
        readiness = JournalReadiness(of: journal)
        cache = AggregateCache(maximumBytes: cacheBytes)
        group = GroupCommit(client: client, journal: journal, clock: self.clock, telemetry: telemetry)
        poster = SnapshotPoster(client: client, telemetry: telemetry)
    }

    /// The time that a commit has from now on.
    var retry: CommitRetry { CommitRetry(until: .now + timeout) }

    /// Prepares for a write: the journal must be ready, and the server's time known.
    func ready(_ connection: isolated MongoConnection) throws {
        try readiness.requireIndexes(on: connection)
        clock.measureIfDue(on: connection)
    }

    /// Counts a commit that took effect, and enqueues the snapshots that are written after it.
    func took(effect commit: PreparedCommit) async {
        for change in commit.changes {
            telemetry.metrics(of: change.aggregateID.type).countCommit(of: change.versions.count)
            guard let snapshot = change.snapshot else { continue }
            telemetry.warnOfLargeState(of: snapshot.aggregateID, at: snapshot.version, bytes: snapshot.stateBytes)
        }
        let posts = commit.snapshots(where: .newer)
        if !posts.isEmpty { await poster.post(posts) }
    }

    /// Refuses new commits, and returns when those in progress have their outcome and their snapshots are written.
    func close() async {
        await underWay.drain()
        await poster.drain()
    }
}
