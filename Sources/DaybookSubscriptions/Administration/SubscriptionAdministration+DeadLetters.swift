public import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

extension SubscriptionAdministration {
    /// The events that could not be handled, by subscription and aggregate; 10,000 at most.
    ///
    /// - Parameter name: The subscription; nil for all.
    public func deadLetters(of name: SubscriptionName? = nil) async throws -> [DeadLetter] {
        try await store.telemetry.perform("dead-letters") {
            if let name { _ = try await record(name) }
            let filter: BSONDocument = name.map { ["subscription": .string($0.rawValue)] } ?? [:]
            return try await store.client.withConnection(.single) {
                try DeadLetter.find(filter, limit: 10_000, in: store.database, on: $0)
            }
        }
    }

    /// The event of one aggregate that could not be handled.
    ///
    /// - Throws: `DaybookError`; `invalidArgument` when the aggregate is not parked.
    public func deadLetter(of id: AggregateID, in name: SubscriptionName) async throws -> DeadLetter {
        try await store.telemetry.perform("dead-letters") { try await letter(id, name) }
    }

    private func letter(_ id: AggregateID, _ name: SubscriptionName) async throws -> DeadLetter {
        _ = try await record(name)
        let found = try await store.client.withConnection(.single) {
            try DeadLetter.find(["_id": DeadLetter.id(name, id.rawValue)], in: store.database, on: $0)
        }
        guard let letter = found.first else {
            throw DaybookError(
                .invalidArgument, "the subscription \"\(name)\" has not parked this aggregate", aggregateID: id.rawValue
            )
        }
        return letter
    }

    /// Has the event of an aggregate tried again, and those that wait after it. A process that runs the subscription
    /// does so within seconds; where none runs, the next one that does.
    ///
    /// - Returns: The event.
    @discardableResult
    public func retry(_ id: AggregateID, in name: SubscriptionName, _ reason: Reason) async throws -> DeadLetter {
        try await store.telemetry.perform("dead-letters") {
            var letter = try await letter(id, name)
            try await store.client.withConnection(.single) { connection in
                let retry: BSONDocument = [
                    "by": .string(reason.by), "why": .string(reason.why),
                    "at": .datetime(try BSONDate(store.clock.now())),
                ]
                try connection.updateOne(
                    ["_id": DeadLetter.id(name, id.rawValue)], with: ["$set": ["retry": .document(retry)]],
                    in: DeadLetter.namespace(in: store.database))
                try SubscriptionRecord.change(
                    name, by: [:], noting: note("retry", reason, about: id.rawValue), in: store.database,
                    on: connection)
            }
            letter.isRetried = true
            return letter
        }
    }

    /// Passes over the event that parks an aggregate: it counts as handled, and those after it are delivered. What it
    /// would have done is missing then; of a projection, until it is rebuilt by code that can handle the event.
    ///
    /// - Parameter isDryRun: Whether nothing is changed.
    /// - Returns: The event that was passed over.
    @discardableResult
    public func skip(
        _ id: AggregateID, in name: SubscriptionName, _ reason: Reason, isDryRun: Bool = false
    ) async throws -> DeadLetter {
        try await store.telemetry.perform("dead-letters") {
            let letter = try await letter(id, name)
            guard !isDryRun else { return letter }
            let storage = SubscriptionStorage(name, in: store.database)
            try await PostingTransaction(store: store).run { connection in
                // In one transaction with the record, so that what was passed over is always noted.
                let posting = try Posting.find([id], in: storage.postings, on: connection)[id]
                guard posting?.parked?.version == letter.version else {
                    throw DaybookError(
                        .conflict, "it was tried again meanwhile; look at it again", aggregateID: id.rawValue)
                }
                try DeadLetter.unpark(id, at: letter.version, in: storage, of: store, on: connection)
                try SubscriptionRecord.change(
                    name, by: ["$inc": ["audit": .int64(1)]],
                    noting: note("skip event \(letter.version)", reason, about: id.rawValue), in: store.database,
                    on: connection)
            }
            return letter
        }
    }
}
