internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Metrics

/// Commits of one event each, sent together: while one insert is on its way, those that come meanwhile gather for the next.
///
/// The journal insert alone is such a commit. The inserts are unordered, and each commit is told its own outcome: it is in, it lost to a
/// rival, or, when the connection died, it is sent again until that is known.
actor GroupCommit {
    private struct Member {
        let ticket: UInt64
        let commit: PreparedCommit
        let document: BSONDocument
        let change: PreparedCommit.Change
        let deadline: ContinuousClock.Instant
        /// When it began to wait for the insert that carries it.
        var arrival: ContinuousClock.Instant
        let continuation: CheckedContinuation<PreparedCommit.Outcome, any Error>
        /// An earlier insert was not answered.
        var mayHaveLanded = false
        var backoff = Backoff()
    }

    /// As many as an insert carries; enough to make its round trip cheap, few enough that nobody waits long for the others.
    private static let maximumMembers = 500
    private static let maximumBytes = 8 * 1024 * 1024
    /// How many inserts are on their way at a time: one is being answered while the next gathers and leaves.
    private static let maximumFlights = 2

    private let client: MongoClient
    private let journal: Journal
    private let telemetry: Telemetry
    private var waiting: [Member] = []
    private var flights = 0
    private var lastTicket: UInt64 = 0

    init(client: MongoClient, journal: Journal, telemetry: Telemetry) {
        self.client = client
        self.journal = journal
        self.telemetry = telemetry
    }

    /// Appends the one event of `commit`.
    ///
    /// A task that is cancelled before its commit has left gets a `CancellationError`, and nothing is written; behind that it learns the outcome.
    ///
    /// - Precondition: It has one event, and nothing else has to take effect with it.
    /// - Throws: ``DaybookError/Code/outcomeUnknown`` at the deadline, ``MongoError`` for what cannot be tried again.
    func append(_ commit: PreparedCommit, deadline: ContinuousClock.Instant) async throws -> PreparedCommit.Outcome {
        guard let document = commit.events.first, let change = commit.changes.first, commit.events.count == 1 else {
            preconditionFailure("a group commit takes commits of one event")
        }
        try Task.checkCancellation()
        lastTicket += 1
        let ticket = lastTicket
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiting.append(
                    Member(
                        ticket: ticket, commit: commit, document: document, change: change, deadline: deadline,
                        arrival: .now, continuation: continuation))
                depart()
            }
        } onCancel: {
            Task { await self.withdraw(ticket) }
        }
    }

    /// How many wait for an insert to carry them.
    var waitingCount: Int { waiting.count }

    private func withdraw(_ ticket: UInt64) {
        // One that may have landed has left already: it has to learn its outcome.
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket && !$0.mayHaveLanded }) else { return }
        end(waiting.remove(at: index), .failure(CancellationError()))
    }

    private func depart() {
        while flights < Self.maximumFlights, !waiting.isEmpty {
            let batch = takeBatch()
            flights += 1
            Task { await fly(batch) }
        }
    }

    /// The next members to send, at most one for an aggregate: two events at one version in an insert would be a conflict that could be told
    /// beforehand.
    private func takeBatch() -> [Member] {
        var batch: [Member] = []
        var left: [Member] = []
        var aggregates: Set<AggregateID> = []
        var bytes = 0
        for member in waiting {
            let size = member.document.bytes.count
            let fits = batch.isEmpty || (batch.count < Self.maximumMembers && bytes + size <= Self.maximumBytes)
            if fits, aggregates.insert(member.change.aggregateID).inserted {
                batch.append(member)
                bytes += size
            } else {
                left.append(member)
            }
        }
        waiting = left
        return batch
    }

    private func fly(_ batch: [Member]) async {
        telemetry.batchSize.record(batch.count)
        for member in batch { telemetry.queueWait.record(duration: ContinuousClock.now - member.arrival) }
        let inserts = batch.map { BulkOperation.insert($0.document) }
        let journal = journal
        do {
            let known = batch.map { (change: $0.change, mayHaveLanded: $0.mayHaveLanded) }
            let fates = try await client.withConnection(.single) { connection in
                let result = try connection.bulkWrite(inserts, ordered: false, in: journal.namespace)
                return zip(result.outcomes, known).map {
                    Self.fate($0, $1.change, mayHaveLanded: $1.mayHaveLanded, journal: journal, on: connection)
                }
            }
            flights -= 1
            for (member, fate) in zip(batch, fates) { settle(member, fate) }
        } catch {
            // Nothing of it was sent.
            flights -= 1
            for member in batch { settle(member, member.mayHaveLanded ? .open(error) : .failed(error)) }
        }
        depart()
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
        case .notSent: return .failed(MongoError(.network, "the event was not sent"))
        case .failed(let error):
            guard error.code == .duplicateKey else {
                if mayHaveLanded { return .open(error) }
                return error.canBeTriedAgain ? .outcome(.lost(error)) : .failed(error)
            }
            // The id itself is taken only by this very event; the place may be.
            if mayHaveLanded || error.keyPattern == ["_id"] {
                do {
                    let id = try journal.eventID(of: change.aggregateID, at: change.versions.lowerBound, on: connection)
                    if let id { return .outcome(id == change.firstEventID ? .committed : .lost(error)) }
                } catch {
                    return .open(error)
                }
                // A majority may not have it yet; or it was the command id that is used elsewhere on the aggregate.
                guard error.keyPattern.contains("meta.commandId") else { return .open(error) }
            }
            return .outcome(error.keyPattern.contains("meta.commandId") ? .commandKnown(error) : .lost(error))
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
                resend(again)
            }
        }
    }

    private func resend(_ member: Member) {
        waiting.append(member)
        depart()
    }

    private func end(_ member: Member, _ result: Result<PreparedCommit.Outcome, any Error>) {
        member.continuation.resume(with: result)
    }
}
