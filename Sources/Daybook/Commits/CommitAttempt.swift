internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics

/// Executes one command on one aggregate, from load to commit, in as many attempts as needed.
struct CommitAttempt<A: Aggregate>: Sendable {
    let committer: Committer
    let loader: Loader<A>
    let id: AggregateID
    let expected: Int64?
    let command: CommandIdentity
    let context: CommandContext
    let decide: @Sendable (Fold<A>) throws -> [EventContent]

    private var metrics: AggregateMetrics { loader.metrics }

    /// What was decided, ready to be sent, and the cache's entry for the aggregate after it.
    private struct Proposal: Sendable {
        let commit: PreparedCommit
        /// Nil where the next command must load the aggregate.
        let entry: AggregateCache.Entry<A>?
    }

    private enum Decision: Sendable {
        /// The command took effect earlier, or it changes nothing.
        case answered(Commit?)
        /// The commit must be sent.
        case proposed(Proposal)
    }

    /// How an attempt ended.
    private enum Ending: Sendable {
        case answered(Commit?)
        case committed(Proposal)
        /// Nothing of this attempt took effect: decide again.
        case aborted(CommitOutcome)
    }

    func run() async throws -> Commit? {
        let retry = committer.retry
        var used: MongoError?
        do {
            return try await run(until: retry, &used)
        } catch {
            // The command took effect, and its commit could not be read. A rejection, a cancellation or a lost
            // connection would say that it did not take effect.
            guard let used, (error as? DaybookError)?.code != .commandIDReused else { throw error }
            throw CommitRetry.usedCommandID(used, of: id)
        }
    }

    /// - Parameter used: Set when the server has refused the command's id because an event with it is stored.
    private func run(until retry: CommitRetry, _ used: inout MongoError?) async throws -> Commit? {
        var cached = decideOnCached()
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            switch try await A.lifecycle == .inline ? inTransaction(cached, retry) : journalOnly(cached, retry) {
            case .answered(let commit):
                guard commit == nil, let used else { return commit }
                // Its commit is not visible to a majority yet.
                try retry.requireTime(after: .duplicateCommand(used), of: id)
                await backoff.wait()
            case .committed(let proposal):
                if let entry = proposal.entry, isForGood { committer.cache.put(entry) }
                await committer.took(effect: proposal.commit)
                return proposal.commit.commits.first
            case .aborted(let outcome):
                if case .duplicateCommand(let error) = outcome { used = error }
                metrics.countRetry(isConflict: outcome.isConflict)
                try retry.requireTime(after: outcome, of: id)
                // A decision on a cached aggregate only failed because the entry was out of date, so decide again
                // without a pause.
                if cached == nil { await backoff.wait() }
                cached = nil
            }
        }
    }

    /// Whether the next command may be decided on this commit without reading the journal.
    ///
    /// An election can roll back what less than a majority has acknowledged, and this process would not notice. The
    /// next event would then follow one that is gone, and no index refuses that. With the lifecycle inline the snapshot
    /// was rolled back too, so the compare-and-set refuses it.
    private var isForGood: Bool { A.lifecycle == .inline || committer.client.settings.acknowledgement == .majority }

    /// Everything on one connection: events and snapshot are written in one transaction.
    private func inTransaction(_ cached: Proposal?, _ retry: CommitRetry) async throws -> Ending {
        try await committer.client.withConnection(.transaction) { connection in
            try committer.ready(connection)
            switch try cached.map(Decision.proposed) ?? load(on: connection) {
            case .answered(let commit): return .answered(commit)
            case .proposed(let proposal): return try await send(proposal, retry, on: connection)
            }
        }
    }

    /// The events alone are the commit. A single event joins a group; several are a transaction.
    private func journalOnly(_ cached: Proposal?, _ retry: CommitRetry) async throws -> Ending {
        let decision: Decision
        if let cached {
            decision = .proposed(cached)
        } else {
            decision = try await committer.client.withConnection(.single) { connection in
                try committer.ready(connection)
                return try load(on: connection)
            }
        }
        switch decision {
        case .answered(let commit): return .answered(commit)
        case .proposed(let proposal) where proposal.commit.events.count == 1: return try await append(proposal, retry)
        case .proposed(let proposal):
            return try await committer.client.withConnection(.transaction) { try await send(proposal, retry, on: $0) }
        }
    }

    private func append(_ proposal: Proposal, _ retry: CommitRetry) async throws -> Ending {
        let outcome = await retry.append(proposal.commit, by: committer.group)
        switch outcome {
        case .committed: return .committed(proposal)
        case .failed(let error): throw error
        case .aborted, .duplicateCommand, .unknown: break
        }
        do {
            return try await committer.client.withConnection(.single) { try ending(outcome, of: proposal, on: $0) }
        } catch {
            // No connection was free, or the task was cancelled: the next attempt reads the commit of the command.
            guard case .duplicateCommand = outcome, !(error is DaybookError) else { throw error }
            return .aborted(outcome)
        }
    }

    private func send(
        _ proposal: Proposal, _ retry: CommitRetry, on connection: isolated MongoConnection
    ) async throws -> Ending {
        let outcome = await retry.send(
            proposal.commit, journal: committer.journal, logger: committer.telemetry.logger, on: connection)
        return try ending(outcome, of: proposal, on: connection)
    }

    /// Decides on the cached aggregate.
    ///
    /// Nil when it is not cached, or when the decision leads to no commit: an outdated entry would only be detected by
    /// a commit.
    private func decideOnCached() -> Proposal? {
        guard let (loaded, readAt) = committer.cache.take(id, A.self) else { return nil }
        if let expected, loaded.fold.version != expected { return nil }
        guard let events = try? decide(loaded.fold), !events.isEmpty else { return nil }
        guard let proposal = try? propose(events, on: loaded, readAt: readAt) else { return nil }
        metrics.cacheHits.increment()
        return proposal
    }

    /// Loads the aggregate and decides.
    private func load(on connection: isolated MongoConnection) throws -> Decision {
        let readAt = ContinuousClock.now
        let loaded = try loader.load(id, on: connection)
        let events: [EventContent]
        do {
            try loaded.fold.require(expected)
            events = try decide(loaded.fold)
        } catch {
            // The command may be refused because it took effect earlier. Then it is a repeated command, which returns
            // its first commit.
            if let original = try original(on: connection) { return .answered(original) }
            throw error
        }
        guard !events.isEmpty else { return .answered(try original(on: connection)) }
        return .proposed(try propose(events, on: loaded, readAt: readAt))
    }

    private func propose(
        _ events: [EventContent], on loaded: consuming Loaded<A>, readAt: ContinuousClock.Instant
    ) throws -> Proposal {
        var loaded = loaded
        var change = AggregateChange(loaded, of: loader)
        // The rival's commit has folded the same events, so its snapshot's identity is known without reading it.
        if A.lifecycle == .inline, loaded.hasTail, let snapshot = try loaded.fold.stored() {
            change.rival = snapshot.identity(digest: snapshot.digest)
        }
        try change.append(events, command: command, folding: &loaded.fold)
        let commit = try PreparedCommit([change], context: context, by: committer.clock)
        let written = commit.changes[0]
        loaded.fold.commit(headID: written.lastEventID, at: commit.recordedAt)
        loaded.basis = .cached(A.lifecycle == .inline ? written.snapshot?.identity : nil)
        loaded.stateBytes = change.state?.bytes.count
        loaded.hasTail = false
        return Proposal(commit: commit, entry: .init(loaded, readAt: readAt))
    }

    /// What the caller does next, by the outcome.
    private func ending(
        _ outcome: CommitOutcome, of proposal: Proposal, on connection: isolated MongoConnection
    ) throws -> Ending {
        switch outcome {
        case .committed: return .committed(proposal)
        case .failed(let error), .unknown(let error): throw error
        case .duplicateCommand:
            // When its commit cannot be read now, the next attempt reads it.
            do {
                if let original = try original(on: connection) { return .answered(original) }
            } catch is MongoError {}
        case .aborted(let error):
            // An event that repeats its command at the same version violates both indexes, and the server names one.
            if error.code == .duplicateKey, let original = try original(on: connection) { return .answered(original) }
        }
        return .aborted(outcome)
    }

    /// The commit of an earlier execution of this command; nil when there is none.
    private func original(on connection: isolated MongoConnection) throws -> Commit? {
        try committer.journal.commit(of: command, on: id, connection: connection)
    }
}
