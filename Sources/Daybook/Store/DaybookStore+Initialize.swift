internal import DaybookMongo
internal import Logging

extension DaybookStore {
    /// Prepares the database: the journal with its validator and unique indexes, and each aggregate's snapshot
    /// collection with the indexes that its fields declare. An aggregate whose ``Aggregate/lifecycle`` is
    /// ``Lifecycle/live`` has no snapshot collection.
    ///
    /// It inspects first and creates only what is missing. So it may run at every start, in many processes at once,
    /// and, if nothing is missing, as a user without write privileges. It never changes or drops what exists. If an
    /// existing definition conflicts (an index of the same name or over the same keys that works differently, a journal
    /// whose validator is another or refuses nothing, a view, a capped collection), it creates nothing. The error then
    /// shows every such definition beside the wanted one, and the mongosh commands that resolve the conflict.
    /// Additional indexes, and a validator on a snapshot collection, are the operator's own and are not changed.
    ///
    /// It returns once every index is built. That takes as long as the collection is large, whatever the socket
    /// timeout, and includes an index that another client builds. Cancelling the task ends the wait for another
    /// client's index, but not for one that this call has begun, because the server finishes it in any case.
    ///
    /// The aggregates that the store was made with are always prepared; pass others here.
    ///
    /// A later version of Daybook may need another validator for the journal. Then run the error's `collMod` first, and
    /// start the new version after it: writers of the old version continue under the new validator.
    ///
    /// - Throws: ``DaybookError``: `conflictingDefinition`; `unauthorized`, with what is missing and who can create it;
    ///   `invalidArgument` when two of the aggregates have the same type; `invalidConfiguration` when an aggregate
    ///   declares a name that is invalid or taken, or a field under another name than its value is encoded under.
    public func initialize(_ aggregates: any Aggregate.Type...) async throws {
        try await initialize(aggregates)
    }

    /// See ``initialize(_:)-(Aggregate....)``.
    public func initialize(_ aggregates: [any Aggregate.Type]) async throws {
        try await telemetry.perform("initialize") {
            for aggregate in all(aggregates) {
                try aggregate.checkDeclaration()
                if aggregate.lifecycle != .live { try aggregate.checkFields() }
            }
            let preparation = try DatabasePreparation(
                database: database, aggregates: all(aggregates), keeping: keptCollections())
            try await client.withConnection(.single) { [logger = telemetry.logger] connection in
                try await preparation.run(on: connection) { building in
                    logger.notice("waiting for the server, which is still building \(building)")
                }
            }
        }
    }

    /// The collections of what is added to the store.
    package func keptCollections() throws -> [DatabasePlan.KeptCollection] {
        try extensions.flatMap { try $0.collections() }
    }

    /// The store's own aggregates and `more`, each once.
    func all(_ more: [any Aggregate.Type]) -> [any Aggregate.Type] {
        var seen: Set<ObjectIdentifier> = []
        return (aggregates + more).filter { seen.insert(ObjectIdentifier($0)).inserted }
    }
}
