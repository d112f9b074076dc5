/// What came of catching snapshots up.
struct CaughtUp: Sendable {
    /// Why some aggregates were left out.
    var failures: [AggregateID: any Error] = [:]
    /// Of each aggregate that was loaded.
    var versions: [AggregateID: Int64] = [:]
}
