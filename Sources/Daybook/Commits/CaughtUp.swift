/// The result of catching snapshots up with the journal.
struct CaughtUp: Sendable {
    /// The aggregates that were left out, each with its error.
    var failures: [AggregateID: any Error] = [:]
    /// The version of each aggregate that was loaded.
    var versions: [AggregateID: Int64] = [:]
}
