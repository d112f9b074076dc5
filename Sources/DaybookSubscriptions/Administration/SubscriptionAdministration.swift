public import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What operators see and change of the subscriptions of a database; see ``Daybook/DaybookStore/subscriptions``.
///
/// All but ``patch(_:reason:isDryRun:)`` needs no code of the application. Each change is noted in the subscription's
/// record, with who made it and why. Running processes take it up within seconds.
public struct SubscriptionAdministration: Sendable {
    let store: DaybookStore
}

extension DaybookStore {
    /// The subscriptions of the database, those of other programs too.
    public var subscriptions: SubscriptionAdministration { SubscriptionAdministration(store: self) }
}

extension SubscriptionAdministration {
    /// Who changes something, and why.
    public struct Reason: Sendable {
        /// Who.
        public var by: String
        /// Why.
        public var why: String

        /// A reason. Both texts are stored.
        public init(by: String, why: String) {
            self.by = by
            self.why = why
        }
    }

    // MARK: Looking

    /// Every subscription of the database, by name, with how far it has come: each posting is compared with the
    /// journal.
    public func list() async throws -> [SubscriptionStatus] {
        try await store.telemetry.perform("subscriptions") {
            try await store.requireJournal(for: "subscriptions")
            var statuses: [SubscriptionStatus] = []
            for record in try await records() { statuses.append(try await status(record)) }
            return statuses
        }
    }

    /// One subscription.
    ///
    /// - Throws: `DaybookError`; `invalidArgument` when there is none of the name.
    public func show(_ name: SubscriptionName) async throws -> SubscriptionStatus {
        try await store.telemetry.perform("subscriptions") { try await status(try await record(name)) }
    }

    /// Those that the database has, and those of the store that no process has run yet.
    func records() async throws -> [SubscriptionRecord] {
        let stored = try await store.client.withConnection(.single) {
            // The server's clock decides, as for a lease; the store's follows it.
            try SubscriptionRecord.all(in: store.database, at: store.clock.now(), on: $0)
        }
        let others = store.ownSubscriptions.filter { own in !stored.contains { $0.name == own.name.rawValue } }
        return (stored + others.compactMap { SubscriptionRecord($0.newRecord) }).sorted { $0.name < $1.name }
    }

    func record(_ name: SubscriptionName) async throws -> SubscriptionRecord {
        let records = try await records()
        if let found = records.first(where: { $0.name == name.rawValue }) { return found }
        let names = records.map(\.name).joined(separator: ", ")
        throw DaybookError(
            .invalidArgument,
            "the database has no subscription \"\(name)\"; it has \(names.isEmpty ? "none" : names)")
    }

    /// The records of these subscriptions; all when there are no names.
    func records(of names: [SubscriptionName]) async throws -> [SubscriptionRecord] {
        guard !names.isEmpty else { return try await records() }
        var found: [SubscriptionRecord] = []
        for name in names { found.append(try await record(name)) }
        return found
    }

    private func status(_ record: SubscriptionRecord) async throws -> SubscriptionStatus {
        var status = SubscriptionStatus(record)
        let storage = try storage(record)
        guard record.delivery == Subscription.Delivery.posted.rawValue else {
            try await measurePosition(record, storage, &status)
            return status
        }
        var waiting: [(id: String, posted: Int64)] = []
        let counts = try await PostingAudit(store: store, types: record.types, postings: storage.postings).run {
            guard $0.kind == .behind, !$0.isParked else { return }
            status.behind += 1
            if waiting.count < Self.measured { waiting.append(($0.aggregateID, $0.posted)) }
        }
        status.parked = counts.parked
        if let oldest = try await oldest(of: waiting) {
            status.lagSeconds = max(0, store.clock.now().timeIntervalSince(oldest))
        }
        return status
    }

    /// The lag is measured on so many of the aggregates that have events which were not handled.
    private static let measured = 100

    /// When the oldest of the events was recorded that come next. Each is one look into the index: a condition on many
    /// of them at once may be answered by a scan of the whole journal.
    private func oldest(of waiting: [(id: String, posted: Int64)]) async throws -> Date? {
        guard !waiting.isEmpty else { return nil }
        return try await store.client.withConnection(.single) { connection in
            var oldest: Date?
            for (id, posted) in waiting {
                let next: BSONDocument = [
                    EventKey.aggregateID: .string(id), EventKey.version: ["$gt": .int64(posted)],
                ]
                let options = FindOptions(sort: Journal.inVersionOrder, limit: 1)
                let recordedAt = try connection.findOne(next, in: store.journal.namespace, options: options) {
                    JournalEntry(BSONDocument($0)).recordedAt
                }
                if let recordedAt = recordedAt ?? nil { oldest = min(oldest ?? recordedAt, recordedAt) }
            }
            return oldest
        }
    }

    /// Of a positioned subscription: the aggregates that have events with greater ids than their partition has handled.
    /// Those of writers with slow clocks are left out.
    private func measurePosition(
        _ record: SubscriptionRecord, _ storage: SubscriptionStorage, _ status: inout SubscriptionStatus
    ) async throws {
        let (behind, oldest, parked) = try await store.client.withConnection(.single) { connection in
            var bounds: [UUID?] = []
            for partition in 0..<record.partitions {
                let selector: BSONDocument = ["_id": .string(storage.partitionName(partition))]
                let bound = try connection.findOne(selector, in: storage.checkpoints) {
                    Self.handled(BSONDocument($0))
                }
                bounds.append(bound ?? nil)
            }
            var filter = Journal.condition(on: EventKey.aggregateID, ofTypes: record.types)
            let known = bounds.compactMap(\.self)
            if known.count == bounds.count, let least = known.min(by: { EventID($0) < EventID($1) }) {
                try filter.append(EventKey.id, ["$gt": .binary(BSONBinary(least))])
            }
            var behind: Set<AggregateID> = []
            var oldest: Date?
            let options = FindOptions(sort: [(EventKey.id, 1)], limit: 100_000)
            try connection.find(filter, in: store.journal.namespace, options: options) { document in
                let entry = JournalEntry(BSONDocument(document))
                guard let text = entry.aggregateID, let id = try? AggregateID(parsing: text) else { return true }
                let bound = bounds[Partitions.index(of: id, count: record.partitions)]
                if let bound, let event = entry.id, !(EventID(bound) < EventID(event)) { return true }
                if oldest == nil { oldest = entry.recordedAt }
                behind.insert(id)
                return true
            }
            let isParked: BSONDocument = ["parked": ["$exists": true]]
            return (behind.count, oldest, try connection.count(isParked, in: storage.postings))
        }
        status.behind = behind
        status.parked = parked
        if let oldest { status.lagSeconds = max(0, store.clock.now().timeIntervalSince(oldest)) }
    }

    /// Up to which id the events of a partition were handled; nil for none.
    private static func handled(_ checkpoint: BSONDocument) -> UUID? {
        let position = checkpoint["position"]?.document.flatMap(FeedPosition.init)
        if case .scanning(let after)? = position?.stage { return after }
        if case .binary(let handled)? = checkpoint[PartitionProgress.handled] { return handled.uuid }
        // It has had no event until then.
        return position?.time.map { EventID(milliseconds: UInt64($0.seconds) * 1_000, random: { 0 }).uuid }
    }

    func storage(_ record: SubscriptionRecord) throws -> SubscriptionStorage {
        SubscriptionStorage(try SubscriptionName(record.name), in: store.database)
    }

    // MARK: Pausing

    /// Stops the delivery in all processes, until ``resume(_:_:)``. The pause is stored.
    public func pause(_ name: SubscriptionName, _ reason: Reason) async throws {
        try await change(
            name,
            by: [
                "$set": [
                    "paused": [
                        "by": .string(reason.by), "why": .string(reason.why),
                        "at": .datetime(try BSONDate(store.clock.now())),
                    ]
                ]
            ], "pause", reason)
    }

    /// Ends a pause.
    public func resume(_ name: SubscriptionName, _ reason: Reason) async throws {
        try await change(name, by: ["$unset": ["paused": ""]], "resume", reason)
    }

    func change(
        _ name: SubscriptionName, by update: BSONDocument, _ what: String, _ reason: Reason, about id: String? = nil
    ) async throws {
        try await store.telemetry.perform("subscriptions") {
            _ = try await record(name)
            try await store.client.withConnection(.single) { connection in
                if let own = store.ownSubscriptions.first(where: { $0.name == name }) {
                    _ = try SubscriptionRecord.join(own, holder: nil, in: store.database, on: connection)
                }
                _ = try SubscriptionRecord.change(
                    name, by: update, noting: note(what, reason, about: id), in: store.database, on: connection)
            }
        }
    }

    func note(_ what: String, _ reason: Reason, about id: String? = nil) -> SubscriptionRecord.Change {
        .init(what: what, by: reason.by, why: reason.why, at: store.clock.now(), aggregateID: id)
    }
}
