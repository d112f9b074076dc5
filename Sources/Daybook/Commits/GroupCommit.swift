internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Metrics
internal import Synchronization

/// Commits of one event each, sent together: while one insert is on its way, those that come meanwhile gather for the next.
///
/// The journal insert alone is such a commit. The inserts are unordered, and each commit is told its own outcome: it is in, it lost to a
/// rival, or, when the connection died, it is sent again until that is known.
final class GroupCommit: Sendable {
    private struct Member: Sendable {
        let ticket: UInt64
        let commit: PreparedCommit
        let deadline: ContinuousClock.Instant
        /// When it began to wait for the insert that carries it.
        var arrival: ContinuousClock.Instant
        let continuation: CheckedContinuation<PreparedCommit.Outcome, any Error>
        /// An earlier insert was not answered.
        var mayHaveLanded = false
        var backoff = Backoff()

        var document: BSONDocument { commit.events[0] }
        var change: PreparedCommit.Change { commit.changes[0] }
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
    /// A task that is cancelled before its commit has left gets a `CancellationError`, and nothing is written; behind that it learns the outcome.
    ///
    /// - Precondition: It has one event, and nothing else has to take effect with it.
    /// - Throws: ``DaybookError/Code/outcomeUnknown`` at the deadline, ``MongoError`` for what cannot be tried again.
    func append(_ commit: PreparedCommit, deadline: ContinuousClock.Instant) async throws -> PreparedCommit.Outcome {
        precondition(commit.events.count == 1, "a group commit takes commits of one event")
        try Task.checkCancellation()
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enqueue(
                    Member(
                        ticket: ticket, commit: commit, deadline: deadline, arrival: .now, continuation: continuation))
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
            guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket && !$0.mayHaveLanded }) else { return nil }
            return state.waiting.remove(at: index)
        }
        if let member { end(member, .failure(CancellationError())) }
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
            settle(unsent: batch, error)
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
            for (member, outcome) in zip(batch, result.outcomes) {
                let fate = Self.fate(
                    outcome, member.change, mayHaveLanded: member.mayHaveLanded, journal: journal, on: connection)
                settle(member, fate)
            }
        } catch {
            settle(unsent: batch, error)
        }
    }

    /// Of what was not sent nothing took effect, unless an earlier insert of it did.
    private func settle(unsent batch: [Member], _ error: any Error) {
        for member in batch { settle(member, member.mayHaveLanded ? .open(error) : .failed(error)) }
    }

    private enum Fate: Sendable {
        case outcome(PreparedCommit.Outcome)
        /// Not known yet.
        case open(any Error)
        /// Nothing took effect.
        case failed(any Error)
    }

    /// What became of one member, by what the server said of it.
    private static func fate(
        _ outcome: BulkResult.Outcome, _ change: PreparedCommit.Change, mayHaveLanded: Bool, journal: Journal,
        on connection: isolated MongoConnection
    ) -> Fate {
        switch outcome {
        case .done: return .outcome(.committed)
        case .unknown(let error): return .open(error)
        case .notSent:
            let error = MongoError(.network, "the event was not sent")
            return mayHaveLanded ? .open(error) : .failed(error)
        case .failed(let error):
            guard error.code == .duplicateKey else {
                if mayHaveLanded { return .open(error) }
                return error.canBeTriedAgain ? .outcome(.lost(error)) : .failed(error)
            }
            // Who stands in our place? It may be this very event: libmongoc sends an insert once more by itself when no reply came, and servers
            // differ in which of the indexes they name.
            do {
                let id = try journal.eventID(of: change.aggregateID, at: change.versions.lowerBound, on: connection)
                if id == change.firstEventID { return .outcome(.committed) }
                // An earlier insert of this one may have been the first with the value, and not be shown to a majority yet.
                if error.isOfForeignIndex, id != nil || !mayHaveLanded {
                    return .failed(DaybookError.refused(byForeignIndex: error, of: change.aggregateID))
                }
                if error.keyPattern.contains(EventKey.commandIDPath) { return .outcome(.commandKnown(error)) }
                // Where nobody does, a majority may not have it yet.
                return id == nil ? .open(error) : .outcome(.lost(error))
            } catch {
                return .open(error)
            }
        }
    }

    private func settle(_ member: Member, _ fate: Fate) {
        switch fate {
        case .outcome(let outcome): end(member, .success(outcome))
        case .failed(let error as MongoError) where error.canBeTriedAgain: end(member, .success(.lost(error)))
        case .failed(let error): end(member, .failure(error))
        case .open(let error):
            guard ContinuousClock.now < member.deadline else {
                end(member, .failure(member.commit.outcomeUnknown(error)))
                return
            }
            Task {
                var again = member
                again.mayHaveLanded = true
                await again.backoff.wait()
                again.arrival = .now
                enqueue(again)
            }
        }
    }

    private func end(_ member: Member, _ result: Result<PreparedCommit.Outcome, any Error>) {
        member.continuation.resume(with: result)
    }
}
