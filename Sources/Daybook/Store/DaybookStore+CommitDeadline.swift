internal import DaybookMongo

extension DaybookStore {
    /// Ends the attempts of a commit when its time is over.
    ///
    /// - Throws: ``DaybookError``: `conflict` when rivals kept coming first, `outcomeUnknown` when the command has taken effect but its commit
    ///   cannot be read, otherwise what the last attempt failed with.
    static func giveUp(_ outcome: PreparedCommit.Outcome, _ id: AggregateID?, after deadline: ContinuousClock.Instant) throws {
        guard ContinuousClock.now >= deadline else { return }
        switch outcome {
        case .committed: return
        case .commandKnown(let error):
            throw DaybookError(
                .outcomeUnknown,
                "the command id has been used, but its commit could not be read in time; repeat the command with it",
                aggregateID: id?.rawValue, underlying: error)
        case .lost(let error) where error.code == .duplicateKey || error.code == .writeConflict:
            throw DaybookError(
                .conflict, "other writers came first until the time for trying was over; nothing was written",
                aggregateID: id?.rawValue,
                underlying: error)
        case .lost(let error): throw error
        }
    }
}
