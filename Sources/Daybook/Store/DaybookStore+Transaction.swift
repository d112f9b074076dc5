internal import DaybookMongo
internal import Logging

extension DaybookStore {
    /// Runs `body`, and commits what it executed on all aggregates together: everything or nothing.
    ///
    /// `body` may run several times: when another writer changed one of the aggregates first, or a connection died, it
    /// starts again on newly loaded states. So it must do nothing but call the transaction. If it throws, nothing is
    /// written and the error is thrown. A second transaction inside it would wait for itself.
    ///
    /// ```swift
    /// try await store.transaction { tx in
    ///     try await tx.execute(.open(license: "L-1"), on: "m-1", of: Member.self)
    ///     try await tx.execute(.create(member: "m-1"), on: "L-1", of: License.self)
    /// }
    /// ```
    ///
    /// - Parameter context: Who executes the commands, and in what context; recorded with every event.
    /// - Throws: What `body` throws; ``DaybookError``: `conflict` when rivals kept coming first, `outcomeUnknown` when
    ///   the commit may have taken effect.
    @discardableResult
    public func transaction<R: Sendable>(
        context: CommandContext = .none, _ body: @Sendable (DaybookTransaction) async throws -> R
    ) async throws -> R {
        try await telemetry.perform("transaction") {
            let context = try context.admitted(configuration.allowedHeaders)
            return try await committer.underWay.run {
                let (result, commit) = try await client.withConnection(.transaction) { connection in
                    try committer.ready(connection)
                    return try await transaction(body, context, on: connection)
                }
                if let commit {
                    for change in commit.changes { committer.cache.remove(change.aggregateID) }
                    await committer.took(effect: commit)
                }
                return result
            }
        }
    }

    private func transaction<R: Sendable>(
        _ body: @Sendable (DaybookTransaction) async throws -> R, _ context: CommandContext,
        on connection: isolated MongoConnection
    ) async throws -> (R, PreparedCommit?) {
        var used: MongoError?
        do {
            return try await transaction(body, context, &used, on: connection)
        } catch {
            // One of its commands took effect earlier. An error of the server or a cancellation would say that it did
            // not. What `body` itself throws was decided after that commit, and is thrown as it is.
            let isOfServer = error is MongoError || (error as? DaybookError)?.underlying is MongoError
            guard let used, isOfServer || error is CancellationError else { throw error }
            throw CommitRetry.usedCommandID(used, of: nil)
        }
    }

    /// - Parameter used: Set when the server has refused a command's id because an event with it is stored.
    private func transaction<R: Sendable>(
        _ body: @Sendable (DaybookTransaction) async throws -> R, _ context: CommandContext,
        _ used: inout MongoError?, on connection: isolated MongoConnection
    ) async throws -> (R, PreparedCommit?) {
        let retry = committer.retry
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            try connection.beginTransaction()
            let transaction = DaybookTransaction(store: self, connection: connection)
            let outcome: CommitOutcome
            do {
                let result = try await body(transaction)
                let (changes, guards) = await transaction.finish()
                // An error that `body` caught has still aborted the transaction.
                if let poison = connection.poison { throw poison }
                guard !changes.isEmpty else {
                    connection.endTransaction()
                    return (result, nil)
                }
                let commit = try PreparedCommit(changes, guards: guards, context: context, by: clock)
                // A duplicate command id is not an error here: the next run of `body` finds the rival's commit.
                outcome = await retry.send(commit, journal: journal, logger: telemetry.logger, on: connection)
                if case .committed = outcome { return (result, commit) }
            } catch {
                let poison = connection.poison
                _ = await transaction.finish()
                connection.endTransaction()
                guard let poison, poison.canBeTriedAgain else { throw error }
                outcome = .aborted(poison)
            }
            if case .failed(let error) = outcome { throw error }
            if case .duplicateCommand(let error) = outcome { used = error }
            for change in await transaction.finish().changes {
                telemetry.metrics(of: change.aggregateID.type).countRetry(isConflict: outcome.isConflict)
            }
            try retry.requireTime(after: outcome, of: nil)
            await backoff.wait()
        }
    }
}
