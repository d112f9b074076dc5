public import DaybookBSON
internal import DaybookMongo
public import Foundation

extension Repository {
    /// Decides `command` on an aggregate, and commits the events.
    ///
    /// When another writer comes first, the aggregate is loaded again and decides again. After this returns, every load
    /// sees the commit. A query on the primary sees it at once with the lifecycle ``Lifecycle/inline``, and can wait
    /// for it with ``Lifecycle/async``.
    ///
    /// - Parameters:
    ///   - key: The aggregate's key; an aggregate without events starts in its initial state.
    ///   - expected: The version that the caller has seen, if the command is valid only for that version.
    ///   - commandID: The id of the command, 1 to 256 bytes. The command takes effect at most once on an aggregate:
    ///     when it is repeated, it returns the commit of the first time, whatever has happened since.
    ///   - context: Who executes the command, and in what context; recorded with every event.
    ///   - now: The time for `decide`; the store's clock if nil.
    /// - Returns: The commit; nil when the aggregate decided no events.
    /// - Throws: `A.Rejection` when the aggregate refuses; otherwise ``DaybookError``: `conflict` when the aggregate is
    ///   not at `expected` or rivals kept committing first, `commandIDReused` when the id was used for another command
    ///   (detected if `A.Command` is `Encodable`), `outcomeUnknown` when the commit may have taken effect.
    @discardableResult
    public func execute(
        _ command: A.Command, on key: String, expecting expected: Int64? = nil, commandID: String? = nil,
        context: CommandContext = .none, at now: Date? = nil
    ) async throws -> Commit? {
        let id = try AggregateID(A.type, key: key)
        return try await store.telemetry.perform("execute", id) {
            let identity = try CommandIdentity(command, id: commandID, encoder: coding.commandEncoder)
            return try await commit(id, identity, expected, context) { fold in
                try fold.coding.encode(fold.state.decide(command, at: now ?? store.clock.now()))
            }
        }
    }

    /// Appends `events` after `expected`, or throws and appends nothing: for facts that were decided elsewhere, such as
    /// an import.
    ///
    /// The whole array becomes one commit: after a crash of this process or of the connection it is in the journal
    /// completely or not at all.
    ///
    /// - Parameter expected: The aggregate's version; 0 for one without events.
    /// - Throws: ``DaybookError/Code/conflict`` when the aggregate is not at `expected`, whether its version is lower
    ///   or higher; the error has its actual version.
    @discardableResult
    public func append(
        _ events: [A.Event], to key: String, expecting expected: Int64, commandID: String? = nil,
        context: CommandContext = .none
    ) async throws -> Commit? {
        let id = try AggregateID(A.type, key: key)
        return try await store.telemetry.perform("append", id) {
            let identity = try CommandIdentity(
                appending: commandID == nil ? [] : coding.encode(events), id: commandID)
            return try await commit(id, identity, expected, context) { try $0.coding.encode(events) }
        }
    }

    /// Corrects an aggregate's state by hand: appends a ``Correction``, which every replay applies from then on.
    /// Earlier events are not changed.
    ///
    /// - Parameters:
    ///   - patch: The change of the encoded state, as a merge patch: `["price": ["amount": 5], "note": .null]` sets one
    ///     field and removes another. A number is stored as the field's own number type.
    ///   - reason: Why; 1 to 1,024 bytes.
    ///   - actor: Who corrects it; 1 to 1,024 bytes.
    ///   - expected: The version that the caller has seen, if the correction is valid only for that version.
    /// - Returns: The commit; nil when the state already has these values.
    /// - Throws: ``DaybookError/Code/invalidArgument`` when the aggregate has no events, or the state cannot have a
    ///   value of the patch: it would not survive being decoded and encoded. Nothing is written then.
    @discardableResult
    public func correct(
        _ key: String, patch: BSONDocument, reason: String, actor: String, expecting expected: Int64? = nil,
        commandID: String? = nil, context: CommandContext = .none
    ) async throws -> Commit? {
        var context = context
        context.actor = actor
        let wanted = Correction(patch: patch, stateSchema: A.stateSchema, reason: reason, actor: actor)
        let id = try AggregateID(A.type, key: key)
        return try await store.telemetry.perform("correct", id) { [context] in
            try wanted.checkReason()
            let identity = try CommandIdentity(correcting: wanted, id: commandID)
            return try await commit(id, identity, expected, context) { fold in
                let preview = try wanted.preview(on: fold)
                guard preview.isChange else { return [] }
                let data = try preview.correction.data()
                return [EventContent(type: Correction.eventType, schema: Correction.schema, data: data)]
            }
        }
    }

    private func commit(
        _ id: AggregateID, _ command: CommandIdentity, _ expected: Int64?, _ context: CommandContext,
        decide: @escaping @Sendable (Fold<A>) throws -> [EventContent]
    ) async throws -> Commit? {
        let attempt = CommitAttempt(
            committer: store.committer, loader: loader, id: id, expected: expected, command: command,
            context: try context.admitted(store.configuration.allowedHeaders), decide: decide)
        return try await store.committer.underWay.run { try await attempt.run() }
    }
}
