internal import DaybookMongo
internal import Logging

extension DaybookStore {
    /// Runs `body`, and commits what it executed on all aggregates together: everything or nothing.
    ///
    /// `body` may run several times: when another writer changed one of the aggregates first, or a connection died, it starts again on a
    /// fresh state. So it should do nothing but call the transaction. What it throws is thrown, and nothing is written. A second
    /// transaction inside it would wait for itself.
    ///
    /// ```swift
    /// try await store.transaction { tx in
    ///     try await tx.execute(.open(license: "L-1"), on: "m-1", of: Member.self)
    ///     try await tx.execute(.create(member: "m-1"), on: "L-1", of: License.self)
    /// }
    /// ```
    ///
    /// - Parameter context: On whose behalf, and in what connection; recorded with every event.
    /// - Throws: What `body` throws; ``DaybookError``: `conflict` when rivals kept coming first, `outcomeUnknown` when the commit may have
    ///   taken effect.
    @discardableResult
    public func transaction<R: Sendable>(
        context: CommandContext = .none, _ body: @Sendable (DaybookTransaction) async throws -> R
    ) async throws -> R {
        try await telemetry.perform("transaction") {
            let context = try context.admitted(configuration.allowedHeaders)
            return try await commitsUnderWay.run {
                let (result, commit) = try await client.withConnection(.transaction) { connection in
                    try ready(connection)
                    return try await transaction(body, context, on: connection)
                }
                if let commit {
                    for change in commit.changes { cache.remove(change.aggregateID) }
                    await took(effect: commit)
                }
                return result
            }
        }
    }

    private func transaction<R: Sendable>(
        _ body: @Sendable (DaybookTransaction) async throws -> R, _ context: CommandContext,
        on connection: isolated MongoConnection
    ) async throws -> (R, PreparedCommit?) {
        let deadline = ContinuousClock.now + configuration.commitTimeout
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            try connection.beginTransaction()
            let transaction = DaybookTransaction(store: self, connection: connection)
            var outcome: PreparedCommit.Outcome
            var touched: [AggregateType] = []
            do {
                let result = try await body(transaction)
                let (drafts, guards) = await transaction.finish()
                touched = drafts.map(\.aggregateID.type)
                // An error that `body` swallowed has ended the transaction all the same.
                if let poison = connection.poison { throw poison }
                guard !drafts.isEmpty else {
                    connection.endTransaction()
                    return (result, nil)
                }
                let prepared = try PreparedCommit(drafts, guards: guards, context: context, clock: clock.corrected)
                // A rival with the same command id is no refusal: the next run finds its commit.
                outcome = try await prepared.send(
                    on: connection, inOpenTransaction: true, journal: journal, deadline: deadline, logger: telemetry.logger)
                if case .committed = outcome { return (result, prepared) }
            } catch {
                let poison = connection.poison
                touched = await transaction.finish().drafts.map(\.aggregateID.type)
                connection.endTransaction()
                guard let poison, poison.canBeTriedAgain else { throw error }
                outcome = .lost(poison)
            }
            connection.endTransaction()
            for type in touched { telemetry.metrics(of: type).countRetry(isConflict: outcome.isConflict) }
            try Self.giveUp(outcome, nil, after: deadline)
            await backoff.wait()
        }
    }
}
