extension Aggregate {
    /// - Throws: ``DaybookError/Code/invalidArgument`` when the aggregate's lifecycle is ``Lifecycle/live``, which
    ///   keeps no snapshots.
    package static func requireSnapshots() throws(DaybookError) {
        guard lifecycle != .live else {
            throw DaybookError(
                .invalidArgument,
                "there is nothing to query: \(type) has the lifecycle live, which stores no snapshots. Load its "
                    + "aggregates by key, or give it the lifecycle inline or async")
        }
    }
}
