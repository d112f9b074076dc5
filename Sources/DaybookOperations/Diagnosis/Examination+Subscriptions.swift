internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import DaybookSubscriptions
internal import Foundation

extension Examination {
    /// Whether the subscriptions advance, judged by their records and by the newest events, so that it costs as much
    /// in a large journal as in a small one.
    var subscriptions: Look {
        let privilege =
            "find on \(ControlCollection.subscriptions), \(ControlCollection.deadLetters), \(ControlCollection.leases), "
            + "\(ControlCollection.checkpoints) and the subscriptions' postings"
        return Look(name: "subscriptions", privilege: privilege) { connection in
            let records = try SubscriptionRecord.all(in: store.database, on: connection)
            let known = Set(records.map(\.name))
            let unknown = store.ownSubscriptions.filter { !known.contains($0.name.rawValue) }
            guard !records.isEmpty || !unknown.isEmpty else { return [Diagnosis.Check("subscriptions", .ok, "none")] }
            return try records.flatMap { try checks(of: $0, on: connection) }
                + unknown.map { try delivery(of: Delivery($0), by: [], on: connection) }
        }
    }

    /// What the check of a delivery needs to know.
    private struct Delivery {
        let name: String
        let types: [AggregateType]
        let isPosted: Bool

        var check: String { Examination.subscriptionCheck + name }

        init(_ record: SubscriptionRecord) {
            name = record.name
            types = record.types
            isPosted = record.delivery == Subscription.Delivery.posted.rawValue
        }

        init(_ subscription: Subscription) {
            name = subscription.name.rawValue
            types = subscription.types
            isPosted = subscription.delivery == .posted
        }
    }

    /// What the name of the check of a subscription begins with.
    static var subscriptionCheck: String { "subscription " }

    private func checks(of record: SubscriptionRecord, on connection: isolated MongoConnection) throws
        -> [Diagnosis.Check]
    {
        let name = Self.subscriptionCheck + record.name
        var checks: [Diagnosis.Check] = []
        let parked = try connection.count(
            ["subscription": .string(record.name)], in: namespace(ControlCollection.deadLetters.rawValue))
        if parked > 0 {
            checks.append(
                Diagnosis.Check(
                    name, .warning,
                    "\(parked) \(parked == 1 ? "aggregate is" : "aggregates are") parked: an event could not be "
                        + "handled, and those after it wait",
                    remedy: "Look at dead-letters list \(record.name). Mend the program, then dead-letters retry, or "
                        + "pass over the event with dead-letters discard."))
        }
        if let own = store.ownSubscriptions.first(where: { $0.name.rawValue == record.name }),
            own.version != record.version
        {
            checks.append(otherVersion(own.version, record, name))
        }
        if record.state != .live { return checks + [try build(of: record, name, on: connection)] }
        if let pause = record.pause {
            let since = pause.at.map { ", for \(Self.shown(now.timeIntervalSince($0)))" } ?? ""
            let isLong = pause.at.map { now.timeIntervalSince($0) > Self.longestPause } ?? true
            return checks + [
                Diagnosis.Check(
                    name, isLong ? .warning : .ok, "paused by \(pause.by)\(since): \(pause.why)",
                    remedy: isLong ? "Is that still wanted? If not: subscriptions resume \(record.name)." : nil)
            ]
        }
        let delivery = try delivery(of: Delivery(record), by: holders(of: record, on: connection), on: connection)
        // What is all right need not be said of one that has a finding.
        return checks.isEmpty || delivery.level != .ok ? checks + [delivery] : checks
    }

    private func otherVersion(_ version: Int32, _ record: SubscriptionRecord, _ name: String) -> Diagnosis.Check {
        let isOlder = record.version < version
        return Diagnosis.Check(
            name, .warning,
            "its documents are of version \(record.version), and this program makes version \(version)",
            remedy: isOlder
                ? "Let a process of this program run it, or run projections rebuild --swap \(record.name): the documents "
                    + "are made anew beside those in use, and take their place."
                : "Use the newer program everywhere; this one does not deliver to it.")
    }

    /// Whether a process works at a projection that is being made anew.
    private func build(
        of record: SubscriptionRecord, _ name: String, on connection: isolated MongoConnection
    ) throws -> Diagnosis.Check {
        let lease: BSONDocument = ["_id": .string(MaintenanceLease.name(of: SubscriptionRecord.subject(record.name)))]
        let leases = namespace(ControlCollection.leases.rawValue)
        let held = try connection.findOne(lease, in: leases) { HeldLease(BSONDocument($0)) } ?? nil
        if let held, held.expiresAt > now {
            return Diagnosis.Check(name, .ok, "its state is \(record.state.rawValue), by \(held.holder)")
        }
        return Diagnosis.Check(
            name, .warning, "its state is \(record.state.rawValue), and no process goes on with that",
            remedy: "Let a process run it, or run projections rebuild \(record.name).")
    }

    /// The processes that have leases of the subscription's partitions.
    private func holders(of record: SubscriptionRecord, on connection: isolated MongoConnection) throws -> [String] {
        var holders: Set<String> = []
        let names = (0..<record.partitions).map { BSONValue.string("\(Self.partitionPrefix)\(record.name).\($0)") }
        let filter: BSONDocument = [
            "_id": ["$in": .array(names)], "expiresAt": ["$gt": .datetime(try BSONDate(now))],
        ]
        try connection.find(filter, in: namespace(ControlCollection.leases.rawValue)) { document in
            if let lease = HeldLease(BSONDocument(document)) { holders.insert(lease.holder) }
            return true
        }
        return holders.sorted()
    }

    /// What the name of the lease of a partition begins with.
    static var partitionPrefix: String { "subscription." }

    // MARK: Lag

    private func delivery(
        of subscription: Delivery, by holders: [String], on connection: isolated MongoConnection
    ) throws -> Diagnosis.Check {
        let runners = holders.isEmpty ? "no process runs it" : "run by \(holders.joined(separator: ", "))"
        let heads = try newestHeads(ofAny: Set(subscription.types), on: connection).heads
        let handled = try handled(heads, of: subscription, on: connection)
        let overdue = heads.filter {
            $0.value.version > handled[$0.key, default: 0]
                && now.timeIntervalSince($0.value.recordedAt) > Self.longestDelivery
        }
        let looked = heads.count == 1 ? "1 aggregate" : "\(heads.count) aggregates"
        guard let first = overdue.min(by: { ($0.value.recordedAt, $0.key) < ($1.value.recordedAt, $1.key) }) else {
            return Diagnosis.Check(
                subscription.check, .ok, "\(runners); of the \(looked) that changed last, none is behind")
        }
        return Diagnosis.Check(
            subscription.check, .warning,
            "\(runners); of the \(looked) that changed last, \(overdue.count) \(overdue.count == 1 ? "is" : "are") "
                + "behind: \(first.key) since \(Self.shown(now.timeIntervalSince(first.value.recordedAt)))",
            remedy: holders.isEmpty
                ? "Let a process run it: the command run of the application, or DaybookStore.run."
                : "Look at the log of that process, and at subscriptions show \(subscription.name).")
    }

    /// Up to which version each of the aggregates counts as handled, or as parked.
    private func handled(
        _ heads: [AggregateID: Head], of subscription: Delivery, on connection: isolated MongoConnection
    ) throws -> [AggregateID: Int64] {
        guard !heads.isEmpty else { return [:] }
        var handled: [AggregateID: Int64] = [:]
        guard subscription.isPosted else {
            guard let time = try position(of: subscription, on: connection) else { return [:] }
            // A position's time has whole seconds, and a commit takes a moment.
            for (id, head) in heads where head.recordedAt <= time.addingTimeInterval(2) { handled[id] = head.version }
            return handled
        }
        let filter: BSONDocument = ["_id": ["$in": .array(heads.keys.map { .string($0.rawValue) })]]
        let postings = namespace(CollectionName.postings(of: subscription.name))
        try connection.find(filter, in: postings) { document in
            let document = BSONDocument(document)
            if case .string(let text)? = document["_id"], let id = try? AggregateID(parsing: text) {
                handled[id] = document["parked"] == nil ? document[EventKey.version]?.integer ?? 0 : .max
            }
            return true
        }
        return handled
    }

    /// The time up to which a subscription with one position has handled the journal.
    private func position(of subscription: Delivery, on connection: isolated MongoConnection) throws -> Date? {
        let name: BSONDocument = ["_id": .string("\(Self.partitionPrefix)\(subscription.name).0")]
        let found = try connection.findOne(name, in: namespace(ControlCollection.checkpoints.rawValue)) {
            BSONDocument($0)
        }
        guard case .document(let stored)? = found?["position"], let time = FeedPosition(stored)?.time else {
            return nil
        }
        return Date(timeIntervalSince1970: Double(time.seconds))
    }
}
