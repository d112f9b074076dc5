internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Metrics
internal import Synchronization

/// Commits of one event each, sent together: while one insert is on its way, those that come meanwhile gather for the next.
///
/// The journal insert alone is such a commit. The inserts are unordered, and each commit is told its own outcome: it is in, it lost to a
/// rival, or, when the connection died, it is not known and has to be sent again.
final class GroupCommit: Sendable {
    private struct Member: Sendable {
        let ticket: UInt64
        let commit: PreparedCommit
        /// An earlier insert was not answered.
        let isResent: Bool
        /// When it began to wait for the insert that carries it.
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

    /// As many as an insert carries; enough to make its round trip cheap, few enough that nobody waits long for the others.
    private static let maximumMembers = 500
    private static let maximumBytes = 8 * 1024 * 1024
    /// How many inserts are on their way at a time: one is being answered while the next gathers and leaves.
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
    /// Where the task is cancelled before its commit has left, the failure is a `CancellationError`, and nothing is
    /// written; after that it learns the outcome.
    ///
    /// - Precondition: It has one event, and nothing else has to take effect with it.
    /// - Parameter isResent: An earlier call may have landed it, so cancelling does not keep it back.
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
                // It may have been cancelled before there was anything to withdraw.
                if Task.isCancelled { withdraw(ticket) }
            }
        } onCancel: {
            withdraw(ticket)
        }
    }

    /// How many wait for an insert to carry them.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// How many inserts are on their way, or wait for a connection.
    var flightCount: Int { state.withLock { $0.flights } }

    private func withdraw(_ ticket: UInt64) {
        let member = state.withLock { state -> Member? in
            // One that may have landed has left already: it has to learn its outcome.
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

    /// The next members to send, at most one for an aggregate: two events at one version in an insert would be a conflict that could be told
    /// beforehand. Nil, and the flight is over, when nobody waits.
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
                // With few connections, loads would wait for as long as there are commits: they come first, and this flight queues up again.
                guard !client.isAwaited || waitingCount == 0 else { return depart() }
            }
        } orElse: { [self] error in
            // No connection. While another flight has one, that carries them all.
            guard !endIfAnotherFlies() else { return }
            // Those behind the next batch may have more luck.
            guard let batch = takeBatch() else { return }
            end(unsent: batch, error)
            depart()
        }
    }

    /// Ends a flight, unless it is the last one: what waits always has a flight that will carry it.
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

    /// Of what was not sent nothing took effect, unless an earlier insert of it did.
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

    /// What became of one member, by what the server said of it.
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

    /// What became of one that a unique index refuses, by what is in its place. It may be this very event: libmongoc
    /// sends an insert once more by itself when no reply came, and servers differ in which of the indexes they name.
    private func outcome(
        of member: Member, ofDuplicate error: MongoError, on connection: isolated MongoConnection
    ) -> CommitOutcome {
        let change = member.change
        do {
            let id = try journal.eventID(of: change.aggregateID, at: change.versions.lowerBound, on: connection)
            if id == change.firstEventID { return .committed }
            // An earlier insert of this one may have been the first with the value, and not be shown to a majority yet.
            if error.isOfForeignIndex, id != nil || !member.isResent {
                return .failed(DaybookError.refused(byForeignIndex: error, of: change.aggregateID))
            }
            if error.keyPattern.contains(EventKey.commandIDPath) { return .duplicateCommand(error) }
            // Where no event is, a majority may not have ours yet.
            return id == nil ? .unknown(error) : .aborted(error)
        } catch {
            return .unknown(error)
        }
    }
}
