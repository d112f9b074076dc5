internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

extension Examination {
    /// The last of an aggregate's events among the newest.
    struct Head {
        var version: Int64
        var recordedAt: Date
    }

    /// Whether the snapshots that are written after their commits arrive, for each such type. The newest events are
    /// checked.
    var lag: [Look] {
        store.aggregates.filter { $0.lifecycle == .async }.flatMap { aggregate in
            [
                Look(
                    name: "lag of \(aggregate.type)",
                    privilege: "find on journal and on \(aggregate.snapshotCollection)",
                    check: { try [lag(of: aggregate, on: $0)] }),
                Look(
                    name: "projector of \(aggregate.type)",
                    privilege: "find on \(ControlCollection.leases) and \(ControlCollection.checkpoints)",
                    check: { try [projector(of: aggregate, on: $0)] }),
            ]
        }
    }

    private func lag(of aggregate: any Aggregate.Type, on connection: isolated MongoConnection) throws
        -> Diagnosis.Check
    {
        let name = "lag of \(aggregate.type)"
        let (heads, isRecent) = try newestHeads(ofAny: [aggregate.type], on: connection)
        guard !heads.isEmpty else {
            return Diagnosis.Check(
                name, .ok, isRecent ? "it has no event yet" : "none of the newest \(Self.newestEvents) events is its")
        }
        var stored: [AggregateID: Int64] = [:]
        let filter: BSONDocument = ["_id": ["$in": .array(heads.keys.map { .string($0.rawValue) })]]
        let options = FindOptions(projection: [SnapshotKey.version: 1])
        try connection.find(filter, in: namespace(aggregate.snapshotCollection), options: options) { document in
            let snapshot = try BorrowedSnapshot(document)
            if let id = snapshot.id.flatMap({ try? AggregateID(parsing: $0) }) {
                stored[id] = max(0, snapshot.version ?? 0)
            }
            return true
        }
        // Only the state could show whether an absent snapshot should be there, so absent ones are not judged.
        let judged = heads.filter { !aggregate.mayLoseSnapshot || stored[$0.key] != nil }
        let lagging = judged.filter { $0.value.version > stored[$0.key, default: 0] }
        let overdue = lagging.filter { now.timeIntervalSince($0.value.recordedAt) > Self.longestLag }
        let looked = heads.count == 1 ? "1 aggregate" : "\(heads.count) aggregates"
        guard let first = overdue.min(by: { ($0.value.recordedAt, $0.key) < ($1.value.recordedAt, $1.key) }) else {
            let fresh =
                lagging.isEmpty ? "none lags" : "\(lagging.count) \(lagging.count == 1 ? "is" : "are") being written"
            return Diagnosis.Check(name, .ok, "of the snapshots of the \(looked) that changed last, \(fresh)")
        }
        let events = overdue.reduce(Int64(0)) { sum, head in
            // Both versions are above 0, and one in a damaged journal may be as large as an integer can be.
            let (total, overflow) = sum.addingReportingOverflow(head.value.version - stored[head.key, default: 0])
            return overflow ? .max : total
        }
        return Diagnosis.Check(
            name, .warning,
            "of the snapshots of the \(looked) that changed last, \(overdue.count) "
                + "\(overdue.count == 1 ? "is" : "are") behind, by \(events) \(events == 1 ? "event" : "events"): "
                + "\(first.key) is at version \(stored[first.key, default: 0]) of \(first.value.version), for "
                + "\(Self.shown(now.timeIntervalSince(first.value.recordedAt))). Loads are right, queries are not",
            remedy:
                "Let a process run the store (DaybookStore.run), which catches them up, or run patch --type "
                + "\(aggregate.type)."
        )
    }

    /// The aggregates of some types among the newest events, with their last versions.
    ///
    /// - Returns: Also whether the newest events were the whole journal.
    func newestHeads(
        ofAny types: Set<AggregateType>, on connection: isolated MongoConnection
    ) throws -> (heads: [AggregateID: Head], isAll: Bool) {
        var heads: [AggregateID: Head] = [:]
        var count = 0
        let options = FindOptions(
            sort: [(EventKey.id, -1)], limit: Self.newestEvents,
            projection: [EventKey.id: 0, EventKey.aggregateID: 1, EventKey.version: 1, EventKey.recordedAt: 1])
        try connection.find([:], in: store.journal.namespace, options: options) { document in
            count += 1
            guard let text = try document.first(EventKey.aggregateID)?.string(),
                let id = try? AggregateID(parsing: text),
                types.contains(id.type), let version = try document.first(EventKey.version)?.int64(),
                let recordedAt = try document.first(EventKey.recordedAt)?.date()
            else { return true }
            if heads[id].map({ $0.version < version }) ?? true {
                heads[id] = Head(version: version, recordedAt: recordedAt.date)
            }
            return true
        }
        return (heads, count < Self.newestEvents)
    }

    /// Whether a process runs the projector, which writes the snapshots of writers that died.
    private func projector(of aggregate: any Aggregate.Type, on connection: isolated MongoConnection) throws
        -> Diagnosis.Check
    {
        let name = "projector of \(aggregate.type)"
        let work = CollectionName.snapshots(of: aggregate.type.rawValue)
        let id: BSONDocument = ["_id": .string(work)]
        let leases = namespace(ControlCollection.leases.rawValue)
        let lease = try connection.findOne(id, in: leases) { HeldLease(BSONDocument($0)) } ?? nil
        let checkpoint = try Checkpoint(name: work, database: store.database).updatedAt(on: connection)
        guard let lease, lease.expiresAt > now else {
            return Diagnosis.Check(
                name, .warning, "no process catches up the snapshots of writers that died",
                remedy: "Let a process run the store: DaybookStore.run, as a service.")
        }
        guard let checkpoint else {
            return Diagnosis.Check(name, .ok, "\(lease.holder), which has not noted a place yet")
        }
        let age = max(0, now.timeIntervalSince(checkpoint))
        guard age > Self.oldestCheckpoint else {
            return Diagnosis.Check(name, .ok, "\(lease.holder), up to \(Self.shown(age)) ago")
        }
        return Diagnosis.Check(
            name, .warning, "\(lease.holder) has the lease, and has not got on for \(Self.shown(age))",
            remedy: "Look at that process's log; when it is ended, another one takes over.")
    }

    /// `42 s`, `5 min`, `3 h`, `4 days`.
    static func shown(_ seconds: TimeInterval) -> String {
        let seconds = Int(max(0, min(seconds, 1e12)))
        return switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7_200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}
