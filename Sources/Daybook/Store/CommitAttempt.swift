internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Logging
internal import Metrics

/// One command on one aggregate, from load to commit, as often as it takes.
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

    /// What was decided, ready to be sent, and what is known of the aggregate once it is in effect.
    private struct Proposal: Sendable {
        let commit: PreparedCommit
        /// Nil where the next command must load the aggregate.
        let entry: AggregateCache.Entry<A>?
    }

    /// How far an attempt has come.
    private enum Progress: Sendable {
        /// The command took effect before, or nothing is to happen.
        case answered(Commit?)
        /// It is to be sent.
        case decided(Proposal)
        case committed(Proposal)
        /// Nothing took effect: it has to be decided again.
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
                // What was only out of date can be decided again at once.
                if cached == nil { await retry.pause() }
                cached = nil
            }
        }
    }

    /// Whether the next command may be decided on this commit without a look at the journal.
    ///
    /// What less than a majority has acknowledged, an election of a new primary can take back, and this process would not know. The next event
    /// would then follow one that is gone: no index refuses that. Inline, the snapshot went with it, and the compare-and-set does.
    private var isForGood: Bool { A.lifecycle == .inline || store.client.settings.acknowledgement == .majority }

    /// Everything on one connection: events and snapshot are one transaction.
    private func inTransaction(_ cached: Proposal?) async throws -> Progress {
        try await store.client.withConnection(.transaction) { connection in
            try store.ready(connection)
            let progress = try cached.map(Progress.decided) ?? load(on: connection)
            guard case .decided(let proposal) = progress else { return progress }
            return try await send(proposal, on: connection)
        }
    }

    /// The events alone are the commit: one of them joins a group, more are a transaction.
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

    /// Lets the aggregate decide on what the store has in memory of it.
    ///
    /// Nil when nothing is, or when it does not end in a commit: only a commit would be refused if what is in memory is out of date.
    private func decideOnCached() -> Proposal? {
        guard let (loaded, readAt) = store.cache.take(id, A.self) else { return nil }
        if let expected, loaded.fold.version != expected { return nil }
        guard let events = try? decide(loaded.fold), !events.isEmpty else { return nil }
        guard let proposal = try? propose(events, on: loaded, readAt: readAt) else { return nil }
        metrics.cacheHits.increment()
        return proposal
    }

    /// Loads the aggregate and lets it decide.
    private func load(on connection: isolated MongoConnection) throws -> Progress {
        let readAt = ContinuousClock.now
        let loaded = try repository.loader.load(id, on: connection)
        let events: [EventContent]
        do {
            try loaded.fold.require(expected)
            events = try decide(loaded.fold)
        } catch {
            // What is refused now may be what took effect before: a repeated command gets its first answer.
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
        // What a rival's commit has written is known without a look: it folds the same events.
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

    /// What an outcome means for the caller.
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
                // It has taken effect; that its commit cannot be read now must not be told as if it had not.
            }
        case .aborted(let error):
            // Not every server says which index refused: then it may have been the one of command ids.
            if error.code == .duplicateKey, let original = try original(on: connection) {
                return .answered(original)
            }
        }
        metrics.countRetry(isConflict: outcome.isConflict)
        try CommitRetry(until: deadline).requireTime(after: outcome, of: id)
        return .aborted
    }

    /// The commit by which the command took effect before, if it did.
    private func original(on connection: isolated MongoConnection) throws -> Commit? {
        try store.journal.commit(of: command, on: id, connection: connection)
    }
}
