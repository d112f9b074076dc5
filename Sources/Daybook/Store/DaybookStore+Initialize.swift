internal import DaybookMongo
internal import Logging

extension DaybookStore {
    /// Prepares the database: the journal with its validator and unique indexes, and each aggregate's snapshot collection with the
    /// indexes that its fields declare. An aggregate whose ``Aggregate/lifecycle`` is ``Lifecycle/live`` has no snapshot collection.
    ///
    /// It looks first and makes only what is missing, so it may run at every start, in many processes at once, and as a user who may not
    /// make anything where nothing is missing. What is there is never changed or dropped. Where that is not what is needed (an index of
    /// the same name or over the same keys that does something else, a journal whose validator is another or refuses nothing, a view, a
    /// capped collection), nothing is made, and the error shows every such definition beside the wanted one, and the mongosh commands that
    /// settle it. More indexes, and a validator on a snapshot collection, are the operator's own and left in peace.
    ///
    /// It returns once every index is built, which takes as long as the collection is large, whatever the socket timeout; an index that is under
    /// construction already is waited for. Cancelling the task ends the wait for an index that another client builds, and not that for one which this
    /// call has begun: the server finishes it in any case.
    ///
    /// The aggregates that the store was made with are prepared in any case; name others here.
    ///
    /// A later version of Daybook may have another validator for the journal. Then the error's `collMod` comes first, and the new version
    /// after it: the old one's writers go on under the new validator.
    ///
    /// - Throws: ``DaybookError``: `conflictingDefinition`; `unauthorized`, with what is missing and who can make it; `invalidArgument` when two
    ///   of the aggregates have one type; `invalidConfiguration` when one declares a name that cannot be or is taken, or a field under another name
    ///   than its value is encoded under.
    public func initialize(_ aggregates: any Aggregate.Type...) async throws {
        try await initialize(aggregates)
    }

    /// See ``initialize(_:)-(Aggregate....)``.
    public func initialize(_ aggregates: [any Aggregate.Type]) async throws {
        try await telemetry.perform("initialize") {
            for aggregate in all(aggregates) {
                try aggregate.checkDeclaration()
                try aggregate.checkFields()
            }
            let preparation = try DatabasePreparation(database: database, aggregates: all(aggregates))
            try await client.withConnection(.single) { [logger = telemetry.logger] connection in
                try await preparation.run(on: connection) { building in
                    logger.notice("waiting for the server, which is still building \(building)")
                }
            }
        }
    }

    /// The store's own aggregates and more of them, each once.
    func all(_ more: [any Aggregate.Type]) -> [any Aggregate.Type] {
        var seen: Set<ObjectIdentifier> = []
        return (aggregates + more).filter { seen.insert(ObjectIdentifier($0)).inserted }
    }
}
