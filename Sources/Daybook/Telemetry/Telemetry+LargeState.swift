internal import Logging
internal import Metrics

extension Telemetry {
    /// Counts and logs a state of more than ``stateWarningBytes``, because each commit writes it again.
    func warnOfLargeState(of id: AggregateID, at version: Int64, bytes: Int) {
        guard bytes > stateWarningBytes else { return }
        metrics(of: id.type).largeStates.increment()
        logger.warning(
            "a large state is written with every commit; keep less in it, or make it several aggregates",
            [.aggregateID: id, .version: version, .bytes: bytes])
    }
}
