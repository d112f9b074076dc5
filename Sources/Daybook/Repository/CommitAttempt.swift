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
    let decide: @Sendable (Fold<A>) throws -> [StoredEvent]
    let deadline: ContinuousClock.Instant

    private var store: DaybookStore { repository.store }

    private enum Decision: Sendable {
        case answer(Commit?)
        case commit(PreparedCommit)
    }

    func run() async throws -> Commit? {
        let metrics = store.telemetry.metrics(of: A.type)
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            let (answer, commit) = try await A.lifecycle == .inline ? self.inTransaction(metrics) : self.journalOnly(metrics)
            if let commit { await store.took(effect: commit) }
            if let answer { return answer.commit }
            await backoff.wait()
        }
    }

    /// What a run ended with, where it ended: the command's commit, and what took effect just now.
    private typealias Result = (answer: Answer?, committed: PreparedCommit?)

    private struct Answer: Sendable {
        let commit: Commit?
    }

    /// Everything on one connection: events and snapshot are one transaction.
    private func inTransaction(_ metrics: AggregateMetrics) async throws -> Result {
        try await store.client.withConnection(.transaction) { connection in
            switch try load(on: connection) {
            case .answer(let commit): return (Answer(commit: commit), nil)
            case .commit(let prepared):
                let outcome = try await prepared.send(
                    on: connection, inOpenTransaction: false, journal: store.journal, deadline: deadline,
                    logger: store.telemetry.logger)
                return try settle(outcome, prepared, metrics, on: connection)
            }
        }
    }

    /// The events alone are the commit: one of them joins a group, more are a transaction.
    private func journalOnly(_ metrics: AggregateMetrics) async throws -> Result {
        let decision = try await store.client.withConnection(.single) { try load(on: $0) }
        guard case .commit(let prepared) = decision else {
            guard case .answer(let commit) = decision else { return (nil, nil) }
            return (Answer(commit: commit), nil)
        }
        let outcome: PreparedCommit.Outcome
        if prepared.events.count == 1 {
            outcome = try await store.groupCommit.append(prepared, deadline: deadline)
            if case .committed = outcome { return (Answer(commit: prepared.commits.first), prepared) }
            return try await store.client.withConnection(.single) { try settle(outcome, prepared, metrics, on: $0) }
        }
        return try await store.client.withConnection(.transaction) { connection in
            let outcome = try await prepared.send(
                on: connection, inOpenTransaction: false, journal: store.journal, deadline: deadline,
                logger: store.telemetry.logger)
            return try settle(outcome, prepared, metrics, on: connection)
        }
    }

    /// Loads the aggregate and lets it decide.
    private func load(on connection: isolated MongoConnection) throws -> Decision {
        try store.ready(connection)
        var loaded = try repository.loader.load(id, on: connection)
        if let expected, loaded.fold.version != expected {
            if let original = try original(on: connection) { return .answer(original) }
            throw DaybookError(
                .conflict, "it is at version \(loaded.fold.version), not at the expected version \(expected)",
                aggregateID: id.rawValue, version: loaded.fold.version)
        }
        let events: [StoredEvent]
        do {
            events = try decide(loaded.fold)
        } catch {
            // What is refused now may be what took effect before: a repeated command gets its first answer.
            if let original = try original(on: connection) { return .answer(original) }
            throw error
        }
        guard !events.isEmpty else { return .answer(try original(on: connection)) }
        var draft = AggregateDraft(loaded, snapshots: repository.snapshots)
        try draft.append(events, command: command, folding: &loaded.fold)
        return .commit(try PreparedCommit([draft], context: context, clock: store.clock.corrected))
    }

    /// What an outcome means for the caller; neither when the command has to be decided again.
    private func settle(
        _ outcome: PreparedCommit.Outcome, _ prepared: PreparedCommit, _ metrics: AggregateMetrics,
        on connection: isolated MongoConnection
    ) throws -> Result {
        switch outcome {
        case .committed: return (Answer(commit: prepared.commits.first), prepared)
        case .commandKnown:
            do {
                if let original = try original(on: connection) { return (Answer(commit: original), nil) }
            } catch is MongoError {
                // It has taken effect; that its commit cannot be read now must not be told as if it had not.
            }
        case .lost(let error):
            // Not every server says which index refused: then it may have been the one of command ids.
            if error.code == .duplicateKey, let original = try original(on: connection) {
                return (Answer(commit: original), nil)
            }
        }
        metrics.count(outcome)
        try DaybookStore.giveUp(outcome, id, after: deadline)
        return (nil, nil)
    }

    /// The commit by which the command took effect before, if it did.
    private func original(on connection: isolated MongoConnection) throws -> Commit? {
        try store.journal.commit(of: command, on: id, connection: connection)
    }
}

extension DaybookStore {
    /// Counts a commit that took effect, and hands on the snapshots that are written behind it.
    func took(effect commit: PreparedCommit) async {
        for commit in commit.commits { telemetry.metrics(of: commit.aggregateID.type).count(commit) }
        for snapshot in commit.changes.compactMap(\.snapshot) {
            let bytes = snapshot.stateBytes
            guard bytes > configuration.stateWarningBytes else { continue }
            telemetry.metrics(of: snapshot.aggregateID.type).largeStates.increment()
            telemetry.logger.warning(
                "a large state is written with every commit; keep less in it, or make it several aggregates",
                [.aggregateID: snapshot.aggregateID, .version: snapshot.version, .bytes: bytes])
        }
        let posts = commit.posts
        if !posts.isEmpty { await poster.post(posts) }
    }
}
