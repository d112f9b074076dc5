package import DaybookMongo

/// Inserts whole events into the journal in large inserts, for a bulk load or an import.
///
/// They are inserted in order, up to the first that is refused, so none is ever stored without those before it. An
/// event that is already stored, to the byte, is skipped, so an interrupted caller begins again at the start.
package struct EventInsertion: Sendable {
    /// What was inserted and skipped, also when it ended in an error.
    package struct Counts: Sendable, Hashable {
        package var inserted = 0
        package var skipped = 0

        package init() {}
    }

    /// How many documents are sent in one command. That is enough to make the round trip unimportant, and few enough
    /// for a server that checks each document of a command against those before it.
    static let documentsPerCommand = 200

    let journal: Journal

    package init(journal: Journal) {
        self.journal = journal
    }

    /// - Throws: ``DaybookError``: `conflict` with the aggregate and version at which another event is stored,
    ///   `foreignIndex`, `server` when the journal's validator refuses an event; ``MongoError``.
    package func insert(
        _ events: some Collection<StoredEvent>, _ counts: inout Counts, on connection: isolated MongoConnection
    ) throws {
        var rest = Array(events)[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.documentsPerCommand)
            let inserts = part.map { BulkOperation.insert($0.document) }
            let outcomes = try connection.bulkWrite(inserts, ordered: true, in: journal.namespace).outcomes
            let done = outcomes.prefix { if case .done = $0 { true } else { false } }.count
            counts.inserted += done
            let tried = part.dropFirst(done)
            rest = rest.dropFirst(part.count)
            guard let refused = tried.first else { continue }
            try throwUnlessDuplicate(outcomes[done], refused)
            let comparison = EventComparison(journal: journal)
            let present = try comparison.present(tried, on: connection)
            guard present.contains(refused.document) else {
                throw try comparison.firstConflict(in: [refused], on: connection) ?? Self.unexplained(refused)
            }
            let absent = tried.filter { !present.contains($0.document) }
            counts.skipped += tried.count - absent.count
            rest = (absent + rest)[...]
        }
    }

    /// Ignores a duplicate key, and throws any other reason why the event was not inserted.
    private func throwUnlessDuplicate(_ outcome: BulkResult.Outcome, _ event: StoredEvent) throws {
        switch outcome {
        case .done: return
        case .failed(let error) where error.isOfForeignIndex:
            throw DaybookError.refused(byForeignIndex: error, of: event.aggregateID)
        case .failed(let error) where error.code == .duplicateKey: return
        case .failed(let error) where error.code == .validationFailed || error.code == .tooLarge:
            throw DaybookError(
                error.code == .tooLarge ? .tooLarge : .server, error.message, aggregateID: event.aggregateID.rawValue,
                version: event.version, underlying: error)
        case .failed(let error), .unknown(let error): throw error
        case .notSent:
            throw DaybookError(.unavailable, "a bulk write ended before its end; do it again, what is there is skipped")
        }
    }

    private static func unexplained(_ event: StoredEvent) -> DaybookError {
        DaybookError(
            .conflict,
            "a unique index refuses the event at version \(event.version), and nothing stands in its place: is there "
                + "an index that is not "
                + "Daybook's, or is the journal being changed?", aggregateID: event.aggregateID.rawValue,
            version: event.version)
    }
}
