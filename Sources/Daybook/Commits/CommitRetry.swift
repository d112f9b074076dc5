internal import DaybookMongo
internal import Logging

/// Until when a commit is tried.
///
/// Where nothing took effect, the caller decides again after a pause. Where documents were sent and not answered,
/// the same documents are sent again. Where only a transaction's commit was not answered, only that is sent again.
struct CommitRetry: Sendable {
    private let deadline: ContinuousClock.Instant

    init(until deadline: ContinuousClock.Instant) {
        self.deadline = deadline
    }

    private var isOver: Bool { ContinuousClock.now >= deadline }

    /// Checks that there is time to decide again.
    ///
    /// - Throws: The error of an outcome that another attempt cannot change. At the deadline: `conflict` when rivals
    ///   kept committing first, ``usedCommandID(_:of:)`` when the command took effect but its commit cannot be read,
    ///   otherwise the last attempt's error.
    func requireTime(after outcome: CommitOutcome, of aggregateID: AggregateID?) throws {
        switch outcome {
        case .failed(let error), .unknown(let error): throw error
        case .duplicateCommand(let error) where isOver:
            throw Self.usedCommandID(error, of: aggregateID)
        case .aborted(let error) where isOver:
            guard outcome.isConflict else { throw error }
            throw DaybookError(
                .conflict, "other writers came first until the time for trying was over; nothing was written",
                aggregateID: aggregateID?.rawValue, underlying: error)
        case .committed, .duplicateCommand, .aborted: return
        }
    }

    /// The error of a command whose id the server has refused as used, and whose commit cannot be read. The command
    /// took effect earlier, so the error of a later attempt must not say that it did not.
    static func usedCommandID(_ error: MongoError, of aggregateID: AggregateID?) -> DaybookError {
        DaybookError(
            .outcomeUnknown,
            "the command id has been used, but its commit could not be read in time; repeat the command with it",
            aggregateID: aggregateID?.rawValue, underlying: error)
    }

    /// Appends a commit of one event together with others, until the outcome is definite. Fails with `outcomeUnknown`
    /// at the deadline.
    func append(_ commit: PreparedCommit, by group: GroupCommit) async -> CommitOutcome {
        var backoff = Backoff()
        var outcome = await group.append(commit, isResent: false)
        while case .unknown(let error) = outcome {
            guard !isOver else { return .failed(commit.outcomeUnknown(error)) }
            await backoff.wait()
            outcome = await group.append(commit, isResent: true)
        }
        return outcome
    }

    /// Writes a commit in one transaction, which may be open already, until the outcome is definite and the transaction
    /// has ended. Fails with `outcomeUnknown` at the deadline.
    func send(
        _ commit: PreparedCommit, journal: Journal, logger: Logger, on connection: isolated MongoConnection
    ) async -> CommitOutcome {
        var backoff = Backoff()
        var outcome = commit.send(isResent: false, journal: journal, logger: logger, on: connection)
        while case .unknown(let error) = outcome {
            guard !isOver else {
                connection.endTransaction()
                return .failed(commit.outcomeUnknown(error))
            }
            await backoff.wait()
            outcome = commit.send(isResent: true, journal: journal, logger: logger, on: connection)
        }
        return outcome
    }
}
