internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics

/// Executes one command on one aggregate, from load to commit, in as many attempts as needed.
struct CommitAttempt<A: Aggregate>: Sendable {
    let repository: Repository<A>
    let id: AggregateID
    let expected: Int64?
    let command: CommandIdentity
    let context: CommandContext
    let decide: @Sendable (Fold<A>) throws -> [EventContent]
    let deadline: ContinuousClock.Instant

    private var store: DaybookStore { repository.store }
    private var metrics: AggregateMetrics { repository.loader.metrics }

    /// What was decided, ready to be sent, and the cache's entry for the aggregate after it.
    private struct Proposal: Sendable {
        let commit: PreparedCommit
        /// Nil where the next command must load the aggregate.
        let entry: AggregateCache.Entry<A>?
    }

    /// The stage that an attempt has reached.
    private enum Progress: Sendable {
        /// The command took effect earlier, or it changes nothing.
        case answered(Commit?)
        /// The commit must be sent.
        case decided(Proposal)
        case committed(Proposal)
        /// Nothing took effect: decide again.
        case aborted
    }

    func run() async throws -> Commit? {
        var cached = decideOnCached()
        var retry = CommitRetry(until: deadline)
        while true {
            try Task.checkCancellation()
            switch try await A.lifecycle == .inline ? inTransaction(cached) : journalOnly(cached) {
            case .answered(let commit): return commit
            case .committed(let proposal):
                if let entry = proposal.entry, isForGood { store.cache.put(entry) }
                await store.took(effect: proposal.commit)
                return proposal.commit.commits.first
            case .decided, .aborted:
                // A decision on a cached aggregate only failed because the entry was out of date, so decide again
                // without a pause.
                if cached == nil { await retry.pause() }
                cached = nil
            }
        }
    }

    /// Whether the next command may be decided on this commit without reading the journal.
    ///
    /// An election can roll back what less than a majority has acknowledged, and this process would not notice. The
    /// next event would then follow one that is gone, and no index refuses that. With the lifecycle inline the snapshot
    /// was rolled back too, so the compare-and-set refuses it.
    private var isForGood: Bool { A.lifecycle == .inline || store.client.settings.acknowledgement == .majority }

    /// Everything on one connection: events and snapshot are written in one transaction.
    private func inTransaction(_ cached: Proposal?) async throws -> Progress {
        try await store.client.withConnection(.transaction) { connection in
            try store.ready(connection)
            let progress = try cached.map(Progress.decided) ?? load(on: connection)
            guard case .decided(let proposal) = progress else { return progress }
            return try await send(proposal, on: connection)
        }
    }

    /// The events alone are the commit. A single event joins a group; several are a transaction.
    private func journalOnly(_ cached: Proposal?) async throws -> Progress {
        let progress: Progress
        if let cached {
            progress = .decided(cached)
        } else {
            progress = try await store.client.withConnection(.single) { connection in
                try store.ready(connection)
                return try load(on: connection)
            }
        }
        guard case .decided(let proposal) = progress else { return progress }
        guard proposal.commit.events.count == 1 else {
            return try await store.client.withConnection(.transaction) { try await send(proposal, on: $0) }
        }
        var retry = CommitRetry(until: deadline)
        let outcome = await retry.append(proposal.commit, by: store.groupCommit)
        if case .committed = outcome { return .committed(proposal) }
        if case .failed(let error) = outcome { throw error }
        return try await store.client.withConnection(.single) { try interpret(outcome, of: proposal, on: $0) }
    }

    private func send(_ proposal: Proposal, on connection: isolated MongoConnection) async throws -> Progress {
        var retry = CommitRetry(until: deadline)
        let outcome = await retry.send(
            proposal.commit, journal: store.journal, logger: store.telemetry.logger, on: connection)
        return try interpret(outcome, of: proposal, on: connection)
    }

    /// Decides on the cached aggregate.
    ///
    /// Nil when it is not cached, or when the decision leads to no commit: an outdated entry would only be detected by
    /// a commit.
    private func decideOnCached() -> Proposal? {
        guard let (loaded, readAt) = store.cache.take(id, A.self) else { return nil }
        if let expected, loaded.fold.version != expected { return nil }
        guard let events = try? decide(loaded.fold), !events.isEmpty else { return nil }
        guard let proposal = try? propose(events, on: loaded, readAt: readAt) else { return nil }
        metrics.cacheHits.increment()
        return proposal
    }

    /// Loads the aggregate and decides.
    private func load(on connection: isolated MongoConnection) throws -> Progress {
        let readAt = ContinuousClock.now
        let loaded = try repository.loader.load(id, on: connection)
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
        return .decided(try propose(events, on: loaded, readAt: readAt))
    }

    private func propose(
        _ events: [EventContent], on loaded: consuming Loaded<A>, readAt: ContinuousClock.Instant
    ) throws -> Proposal {
        var loaded = loaded
        var change = AggregateChange(loaded, of: repository.loader)
        // The rival's commit has folded the same events, so its snapshot's identity is known without reading it.
        if A.lifecycle == .inline, loaded.hasTail, let snapshot = try loaded.fold.stored() {
            change.rival = snapshot.identity(digest: snapshot.digest)
        }
        try change.append(events, command: command, folding: &loaded.fold)
        let commit = try PreparedCommit([change], context: context, clock: store.clock.corrected)
        let written = commit.changes[0]
        loaded.fold.commit(headID: written.lastEventID, at: commit.recordedAt)
        loaded.basis = .cached(A.lifecycle == .inline ? written.snapshot?.identity : nil)
        loaded.stateBytes = change.state?.bytes.count
        loaded.hasTail = false
        return Proposal(commit: commit, entry: .init(loaded, readAt: readAt))
    }

    /// What the caller does next, by the outcome.
    private func interpret(
        _ outcome: CommitOutcome, of proposal: Proposal, on connection: isolated MongoConnection
    ) throws -> Progress {
        switch outcome {
        case .committed: return .committed(proposal)
        case .failed(let error), .unknown(let error): throw error
        case .duplicateCommand:
            do {
                if let original = try original(on: connection) { return .answered(original) }
            } catch is MongoError {
                // The command took effect, but its commit cannot be read now. Throwing this error would say that it had
                // no effect.
            }
        case .aborted(let error):
            // Not every server names the index that refused, so it may have been the index of command ids.
            if error.code == .duplicateKey, let original = try original(on: connection) {
                return .answered(original)
            }
        }
        metrics.countRetry(isConflict: outcome.isConflict)
        try CommitRetry(until: deadline).requireTime(after: outcome, of: id)
        return .aborted
    }

    /// The commit of an earlier execution of this command; nil when there is none.
    private func original(on connection: isolated MongoConnection) throws -> Commit? {
        try store.journal.commit(of: command, on: id, connection: connection)
    }
}
