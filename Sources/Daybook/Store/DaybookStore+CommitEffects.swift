extension DaybookStore {
    /// Counts a commit that took effect, and hands on the snapshots that are written behind it.
    func took(effect commit: PreparedCommit) async {
        for change in commit.changes {
            telemetry.metrics(of: change.aggregateID.type).countCommit(of: change.versions.count)
            guard let snapshot = change.snapshot else { continue }
            telemetry.warnOfLargeState(
                of: snapshot.aggregateID, at: snapshot.version, bytes: snapshot.stateBytes,
                limit: configuration.stateWarningBytes)
        }
        let posts = commit.snapshots(where: .newer)
        if !posts.isEmpty { await poster.post(posts) }
    }
}
