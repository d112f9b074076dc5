internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Metrics
internal import Synchronization

/// Commits of one event each, sent together: while one insert is being sent, the commits that arrive are gathered for
/// the next.
///
/// Such a commit is the journal insert alone. The inserts are unordered, so each commit has an outcome of its own: it
/// is in the journal, it lost to a rival, or, when the connection died, the outcome is unknown and it must be sent
/// again.
final class GroupCommit: Sendable {
    private struct Member: Sendable {
        let ticket: UInt64
        let commit: PreparedCommit
        /// Whether an earlier insert of it was sent and not answered.
        let isResent: Bool
        /// When it began to wait for an insert.
        let arrival = ContinuousClock.now
        let continuation: CheckedContinuation<CommitOutcome, Never>

        var document: BSONDocument { commit.events[0] }
        var change: PreparedCommit.Change { commit.changes[0] }

        func end(_ outcome: CommitOutcome) { continuation.resume(returning: outcome) }
    }

    private struct State {
        var waiting: [Member] = []
        var flights = 0
        var lastTicket: UInt64 = 0
    }

    /// The most commits in one insert: enough to share the cost of a round trip, few enough that none waits long for
    /// the others.
    private static let maximumMembers = 500
    private static let maximumBytes = 8 * 1024 * 1024
    /// How many inserts are sent at a time: while one is being answered, the next gathers and is sent.
    private static let maximumFlights = 2

    private let client: MongoClient
    private let journal: Journal
    private let clock: ServerClock
    private let telemetry: Telemetry
    private let state = Mutex(State())

    init(client: MongoClient, journal: Journal, clock: ServerClock, telemetry: Telemetry) {
        self.client = client
        self.journal = journal
        self.clock = clock
        self.telemetry = telemetry
    }

    /// Appends the one event of `commit`.
    ///
    /// When the task is cancelled before its commit was sent, the outcome is `.failed` with a `CancellationError`, and
    /// nothing is written. After that, the call waits for the outcome.
    ///
    /// - Precondition: The commit has one event, and no other write has to take effect with it.
    /// - Parameter isResent: Whether an earlier call may have inserted it. If so, cancelling does not withdraw it.
    func append(_ commit: PreparedCommit, isResent: Bool) async -> CommitOutcome {
        precondition(commit.events.count == 1, "a group commit takes commits of one event")
        guard isResent || !Task.isCancelled else { return .failed(CancellationError()) }
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enqueue(Member(ticket: ticket, commit: commit, isResent: isResent, continuation: continuation))
                // The task may have been cancelled before the member was enqueued, when there was nothing to withdraw.
                if Task.isCancelled { withdraw(ticket) }
            }
        } onCancel: {
            withdraw(ticket)
        }
    }

    /// How many commits wait for an insert.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// How many inserts are being sent, or wait for a connection.
    var flightCount: Int { state.withLock { $0.flights } }

    private func withdraw(_ ticket: UInt64) {
        let member = state.withLock { state -> Member? in
            // A commit that is sent again may already be in the journal, so it stays and learns its outcome.
            let index = state.waiting.firstIndex { $0.ticket == ticket && !$0.isResent }
            return index.map { state.waiting.remove(at: $0) }
        }
        member?.end(.failed(CancellationError()))
    }

    private func enqueue(_ member: Member) {
        let departs = state.withLock { state in
            state.waiting.append(member)
            guard state.flights < Self.maximumFlights else { return false }
            state.flights += 1
            return true
        }
        if departs { depart() }
    }

    /// The next members to send, at most one for each aggregate: two events at one version in one insert would be a
    /// certain conflict. Returns nil, and ends the flight, when no commit waits.
    private func takeBatch() -> [Member]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.flights -= 1
                return nil
            }
            var batch: [Member] = []
            var left: [Member] = []
            var aggregates: Set<AggregateID> = []
            var bytes = 0
            for member in state.waiting {
                let size = member.document.bytes.count
                let fits = batch.isEmpty || (batch.count < Self.maximumMembers && bytes + size <= Self.maximumBytes)
                if fits, aggregates.insert(member.change.aggregateID).inserted {
                    batch.append(member)
                    bytes += size
                } else {
                    left.append(member)
                }
            }
            state.waiting = left
            return batch
        }
    }

    /// Sends batch after batch on one connection, until no commit waits.
    private func depart() {
        client.start(.single) { [self] connection in
            clock.measureIfDue(on: connection)
            while let batch = takeBatch() {
                send(batch, on: connection)
                // With few connections, loads would wait for as long as commits arrive. So loads come first, and this
                // flight queues again.
                guard !client.isAwaited || waitingCount == 0 else { return depart() }
            }
        } orElse: { [self] error in
            // No connection was free. If another flight has one, it sends everything.
            guard !endIfAnotherFlies() else { return }
            // The commits after the next batch may still get a connection.
            guard let batch = takeBatch() else { return }
            end(unsent: batch, error)
            depart()
        }
    }

    /// Ends a flight, unless it is the last one: a waiting commit always needs a flight that will send it.
    private func endIfAnotherFlies() -> Bool {
        state.withLock { state in
            guard state.flights > 1 else { return false }
            state.flights -= 1
            return true
        }
    }

    private func send(_ batch: [Member], on connection: isolated MongoConnection) {
        telemetry.batchSize.record(batch.count)
        let departure = ContinuousClock.now
        for member in batch { telemetry.queueWait.record(duration: departure - member.arrival) }
        do {
            let inserts = batch.map { BulkOperation.insert($0.document) }
            let result = try connection.bulkWrite(inserts, ordered: false, in: journal.namespace)
            for (member, result) in zip(batch, result.outcomes) {
                member.end(outcome(of: member, result, on: connection))
            }
        } catch {
            end(unsent: batch, error)
        }
    }

    /// Ends members that were not sent: nothing took effect, unless an earlier insert of the member did.
    private func end(unsent batch: [Member], _ error: any Error) {
        for member in batch {
            if member.isResent {
                member.end(.unknown(error))
            } else if let error = error as? MongoError, error.canBeTriedAgain {
                member.end(.aborted(error))
            } else {
                member.end(.failed(error))
            }
        }
    }

    /// A member's outcome, from the server's result for its insert.
    private func outcome(
        of member: Member, _ result: BulkResult.Outcome, on connection: isolated MongoConnection
    ) -> CommitOutcome {
        switch result {
        case .done: return .committed
        case .unknown(let error): return .unknown(error)
        case .notSent:
            let error = MongoError(.network, "the event was not sent")
            return member.isResent ? .unknown(error) : .failed(error)
        case .failed(let error):
            guard error.code == .duplicateKey else {
                if member.isResent { return .unknown(error) }
                return error.canBeTriedAgain ? .aborted(error) : .failed(error)
            }
            return outcome(of: member, ofDuplicate: error, on: connection)
        }
    }

    /// A member's outcome when a unique index refuses its event, from the event that is stored at its version. That may
    /// be this very event: libmongoc retries an insert by itself when no reply came. Servers also differ in which of
    /// the violated indexes they name.
    private func outcome(
        of member: Member, ofDuplicate error: MongoError, on connection: isolated MongoConnection
    ) -> CommitOutcome {
        let change = member.change
        do {
            let id = try journal.eventID(of: change.aggregateID, at: change.versions.lowerBound, on: connection)
            if id == change.firstEventID { return .committed }
            // An earlier insert of this event may have been the first with the value, and may not be majority-committed
            // yet.
            if error.isOfForeignIndex, id != nil || !member.isResent {
                return .failed(DaybookError.refused(byForeignIndex: error, of: change.aggregateID))
            }
            if error.keyPattern.contains(EventKey.commandIDPath) { return .duplicateCommand(error) }
            // If no event is at the version, ours may be there and not be majority-committed yet.
            return id == nil ? .unknown(error) : .aborted(error)
        } catch {
            return .unknown(error)
        }
    }
}
