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

    /// What was decided, ready to be sent, and what is known of the aggregate once it is in effect.
    private struct Proposal: Sendable {
        let commit: PreparedCommit
        /// Nil where its size is not known, because a state that is never stored cannot be encoded.
        let entry: AggregateCache.Entry<A>?
    }

    private enum Decision: Sendable {
        case answer(Commit?)
        case proposal(Proposal)
    }

    /// What one run ended with.
    private enum Ending: Sendable {
        /// The command took effect before, or nothing is to happen.
        case answer(Commit?)
        case committed(Proposal)
        /// It has to be decided again.
        case undecided
    }

    func run() async throws -> Commit? {
        let metrics = repository.loader.metrics
        var cached = decideOnCached(metrics)
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            switch try await A.lifecycle == .inline ? inTransaction(cached, metrics) : journalOnly(cached, metrics) {
            case .answer(let commit): return commit
            case .committed(let proposal):
                if let entry = proposal.entry, isForGood { store.cache.put(entry) }
                await store.took(effect: proposal.commit)
                return proposal.commit.commits.first
            case .undecided:
                // What was only out of date can be decided again at once.
                if cached == nil { await backoff.wait() }
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
    private func inTransaction(_ cached: Proposal?, _ metrics: AggregateMetrics) async throws -> Ending {
        try await store.client.withConnection(.transaction) { connection in
            try store.ready(connection)
            switch try cached.map(Decision.proposal) ?? load(on: connection) {
            case .answer(let commit): return .answer(commit)
            case .proposal(let proposal): return try await send(proposal, metrics, on: connection)
            }
        }
    }

    /// The events alone are the commit: one of them joins a group, more are a transaction.
    private func journalOnly(_ cached: Proposal?, _ metrics: AggregateMetrics) async throws -> Ending {
        let proposal: Proposal
        if let cached {
            proposal = cached
        } else {
            let decision = try await store.client.withConnection(.single) { connection in
                try store.ready(connection)
                return try load(on: connection)
            }
            switch decision {
            case .answer(let commit): return .answer(commit)
            case .proposal(let decided): proposal = decided
            }
        }
        guard proposal.commit.events.count == 1 else {
            return try await store.client.withConnection(.transaction) { try await send(proposal, metrics, on: $0) }
        }
        let outcome = try await store.groupCommit.append(proposal.commit, deadline: deadline)
        if case .committed = outcome { return .committed(proposal) }
        return try await store.client.withConnection(.single) { try settle(outcome, proposal, metrics, on: $0) }
    }

    private func send(
        _ proposal: Proposal, _ metrics: AggregateMetrics, on connection: isolated MongoConnection
    ) async throws -> Ending {
        let outcome = try await proposal.commit.send(
            on: connection, inOpenTransaction: false, journal: store.journal, deadline: deadline, logger: store.telemetry.logger)
        return try settle(outcome, proposal, metrics, on: connection)
    }

    /// Lets the aggregate decide on what the store has in memory of it.
    ///
    /// Nil when nothing is, or when it does not end in a commit: only a commit would be refused if what is in memory is out of date.
    private func decideOnCached(_ metrics: AggregateMetrics) -> Proposal? {
        guard let (loaded, readAt) = store.cache.take(id, A.self) else { return nil }
        if let expected, loaded.fold.version != expected { return nil }
        guard let events = try? decide(loaded.fold), !events.isEmpty else { return nil }
        guard let proposal = try? propose(events, on: loaded, readAt: readAt) else { return nil }
        metrics.cacheHits.increment()
        return proposal
    }

    /// Loads the aggregate and lets it decide.
    private func load(on connection: isolated MongoConnection) throws -> Decision {
        let readAt = ContinuousClock.now
        let loaded = try repository.loader.load(id, on: connection)
        if let expected, loaded.fold.version != expected {
            if let original = try original(on: connection) { return .answer(original) }
            throw DaybookError(
                .conflict, "it is at version \(loaded.fold.version), not at the expected version \(expected)",
                aggregateID: id.rawValue, version: loaded.fold.version)
        }
        let events: [EventContent]
        do {
            events = try decide(loaded.fold)
        } catch {
            // What is refused now may be what took effect before: a repeated command gets its first answer.
            if let original = try original(on: connection) { return .answer(original) }
            throw error
        }
        guard !events.isEmpty else { return .answer(try original(on: connection)) }
        return .proposal(try propose(events, on: loaded, readAt: readAt))
    }

    private func propose(
        _ events: [EventContent], on loaded: consuming Loaded<A>, readAt: ContinuousClock.Instant
    ) throws -> Proposal {
        var loaded = loaded
        var draft = AggregateDraft(loaded, snapshots: repository.snapshots)
        // What a rival's commit has written is known without a look: it folds the same events.
        if A.lifecycle == .inline, loaded.hasTail { draft.rival = try loaded.fold.stored()?.identity }
        try draft.append(events, command: command, folding: &loaded.fold)
        draft.catchUp = repository.catchUpAfterPost(id, isAssumed: loaded.isAssumed)
        let state = draft.state
        let commit = try PreparedCommit([draft], context: context, clock: store.clock.corrected)
        if let change = commit.changes.first { loaded.fold.commit(headID: change.lastEventID, at: commit.recordedAt) }
        loaded.stored = A.lifecycle == .inline ? commit.changes.first?.snapshot?.identity : nil
        loaded.isAssumed = true
        loaded.hasTail = false
        // Of an inline aggregate without a snapshot only a load can say that the head is still the journal's.
        guard let state, draft.keepsSnapshot || A.lifecycle != .inline else { return Proposal(commit: commit, entry: nil) }
        return Proposal(commit: commit, entry: .init(loaded: loaded, readAt: readAt, stateBytes: state.bytes.count))
    }

    /// What an outcome means for the caller.
    private func settle(
        _ outcome: PreparedCommit.Outcome, _ proposal: Proposal, _ metrics: AggregateMetrics,
        on connection: isolated MongoConnection
    ) throws -> Ending {
        switch outcome {
        case .committed: return .committed(proposal)
        case .commandKnown:
            do {
                if let original = try original(on: connection) { return .answer(original) }
            } catch is MongoError {
                // It has taken effect; that its commit cannot be read now must not be told as if it had not.
            }
        case .lost(let error):
            // Not every server says which index refused: then it may have been the one of command ids.
            if error.code == .duplicateKey, let original = try original(on: connection) {
                return .answer(original)
            }
        }
        metrics.countRetry(isConflict: outcome.isConflict)
        try DaybookStore.giveUp(outcome, id, after: deadline)
        return .undecided
    }

    /// The commit by which the command took effect before, if it did.
    private func original(on connection: isolated MongoConnection) throws -> Commit? {
        try store.journal.commit(of: command, on: id, connection: connection)
    }
}
