internal import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What a comparison of a subscription's postings with the journal has found, and done.
public struct SubscriptionReport: Sendable {
    /// The subscription.
    public let name: String
    /// How many aggregates were looked at, and events of theirs.
    public internal(set) var checked = 0, events = 0
    /// How many findings there are of each kind; those of which there are none are left out.
    public internal(set) var counts: [PostingFinding.Kind: Int] = [:]
    /// The findings, by type and id; at most 10,000.
    public internal(set) var findings: [PostingFinding] = []
    /// How many aggregates wait, because an event could not be handled; they are no findings. Those are counted too
    /// that a patch has parked.
    public internal(set) var parked = 0
    /// How many events were delivered; of a patch.
    public internal(set) var delivered = 0
    /// How many of the findings were left, and how many aggregates are parked; of a patch. Of a dry run, how many would
    /// be left.
    public internal(set) var unrepaired = 0
    /// How long it took.
    public internal(set) var duration = Duration.zero

    /// How many findings there are in all.
    public var total: Int { counts.values.reduce(0, +) }

    init(_ name: String) { self.name = name }

    mutating func add(_ finding: PostingFinding) {
        counts[finding.kind, default: 0] += 1
        if findings.count < 10_000 { findings.append(finding) }
    }
}

extension SubscriptionAdministration {
    /// Compares the postings of subscriptions with the journal, and changes nothing. What processes are about to handle
    /// is not reported: what is wrong was seen twice. A positioned subscription has no postings to compare.
    ///
    /// - Parameter names: The subscriptions; all of the database when there are none.
    public func verify(_ names: [SubscriptionName] = []) async throws -> [SubscriptionReport] {
        try await store.telemetry.perform("subscriptions verify") {
            try await store.requireJournal(for: "subscriptions verify")
            var reports: [SubscriptionReport] = []
            for record in try await records(of: names) {
                // Of one that no process has made yet, nothing was handled.
                guard record.state == .live || record.state == .new else {
                    throw DaybookError(
                        .conflict,
                        "the projection \"\(record.name)\" is \(record.state.rawValue), so its postings are not complete: "
                            + "run the service, or the rebuild again, until it is done")
                }
                reports.append(try await check(record) { _, _ in })
            }
            return reports
        }
    }

    /// Delivers the events that postings lack, each exactly once. What is ahead or an orphan is reported and left:
    /// it is not known what was handled. A parked aggregate is left too. While an operator has paused one of them,
    /// nothing is delivered.
    ///
    /// - Parameters:
    ///   - names: The subscriptions; all of the store's when there are none.
    ///   - reason: Who wants it and why; noted in the subscription's record where something is delivered.
    ///   - isDryRun: Whether nothing is delivered.
    public func patch(
        _ names: [SubscriptionName] = [], reason: Reason, isDryRun: Bool = false
    ) async throws -> [SubscriptionReport] {
        try await store.telemetry.perform("subscriptions patch") {
            try await store.requireJournal(for: "subscriptions patch")
            let names = names.isEmpty ? store.ownSubscriptions.map(\.name) : names
            var work: [(Subscription, SubscriptionRecord)] = []
            for record in try await records(of: names) {
                guard let own = store.ownSubscriptions.first(where: { $0.name.rawValue == record.name }) else {
                    throw DaybookError(
                        .invalidArgument, "this program does not have the subscription \"\(record.name)\"")
                }
                guard record.version == own.version, record.state == .live else {
                    throw DaybookError(
                        .conflict,
                        "the subscription \"\(record.name)\" is \(record.state.rawValue) in version \(record.version), "
                            + "and this program has version \(own.version): run the service until it is built")
                }
                if let pause = record.pause, !isDryRun {
                    throw DaybookError(
                        .conflict,
                        "\"\(record.name)\" was paused by \(pause.by): \(pause.why). Nothing is delivered to it until "
                            + "subscriptions resume")
                }
                work.append((own, record))
            }
            var reports: [SubscriptionReport] = []
            for (own, record) in work {
                guard isDryRun else {
                    reports.append(try await patch(own, record, reason))
                    continue
                }
                var report = try await check(record) { finding, report in
                    if finding.kind != .behind { report.unrepaired += 1 }
                }
                report.unrepaired += report.parked
                reports.append(report)
            }
            return reports
        }
    }

    /// While it holds the lease of a projection's maintenance: between the two renames of a swap, the view would be the
    /// new one and the postings the old ones.
    private func patch(
        _ subscription: Subscription, _ record: SubscriptionRecord, _ reason: Reason
    ) async throws -> SubscriptionReport {
        let lease = MaintenanceLease(
            store: store, holder: DaybookStore.holder(), subjects: [ProjectionBuild.subject(subscription.name)])
        let delivery = try delivery(of: subscription, record)
        return try await lease.hold { _ in
            var report = try await check(record) { finding, report in
                guard finding.kind == .behind, let delivery, let id = finding.id else {
                    report.unrepaired += 1
                    return
                }
                report.delivered += try await delivery.drain(id, through: finding.head)
                let isParked = try await store.client.withConnection(.single) {
                    try Posting.find([id], in: delivery.storage.postings, on: $0)[id]?.parked != nil
                }
                if isParked { report.parked += 1 }
            }
            report.unrepaired += report.parked
            if report.delivered > 0 {
                let change = note("patch, \(report.delivered) delivered", reason)
                try await store.client.withConnection(.single) {
                    _ = try SubscriptionRecord.change(
                        subscription.name, by: [:], noting: change, in: store.database, on: $0)
                }
            }
            return report
        }
    }

    private func delivery(of subscription: Subscription, _ record: SubscriptionRecord) throws -> PostedDelivery? {
        guard case .posted(let handler) = subscription.handler else { return nil }
        return PostedDelivery(
            store: store, name: subscription.name, handler: handler, storage: try storage(record), progress: nil,
            metrics: DeliveryMetrics(subscription.name, store.telemetry))
    }

    private func check(
        _ record: SubscriptionRecord, _ body: (PostingFinding, inout SubscriptionReport) async throws -> Void
    ) async throws -> SubscriptionReport {
        let start = ContinuousClock.now
        var report = SubscriptionReport(record.name)
        let storage = try storage(record)
        guard record.delivery == Subscription.Delivery.posted.rawValue else {
            report.parked = try await store.client.withConnection(.single) {
                try $0.count(["parked": ["$exists": true]], in: storage.postings)
            }
            report.duration = ContinuousClock.now - start
            return report
        }
        var suspects: [PostingFinding] = []
        let counts = try await PostingAudit(store: store, types: record.types, postings: storage.postings).run {
            guard !$0.isParked else { return }
            suspects.append($0)
            guard suspects.count >= 1_000 else { return }
            for finding in try await confirm(suspects, record, storage) {
                report.add(finding)
                try await body(finding, &report)
            }
            suspects = []
        }
        for finding in try await confirm(suspects, record, storage) {
            report.add(finding)
            try await body(finding, &report)
        }
        (report.checked, report.events) = (counts.aggregates, counts.events)
        report.parked += counts.parked
        report.duration = ContinuousClock.now - start
        return report
    }

    /// How long nothing may advance before what is behind is a finding, while processes share the work; and how long it
    /// is looked at in all.
    private static let stillness = Duration.seconds(5), patience = Duration.seconds(60)

    /// Those that are still wrong at a second look. While processes share the work, what is behind may be about to be
    /// handled: it is looked at for as long as the postings advance.
    private func confirm(
        _ suspects: [PostingFinding], _ record: SubscriptionRecord, _ storage: SubscriptionStorage
    ) async throws -> [PostingFinding] {
        var rest = suspects
        let isDelivered = !record.members.isEmpty && record.pause == nil
        let end = ContinuousClock.now + Self.patience
        var deadline = ContinuousClock.now + (isDelivered ? Self.stillness : .zero)
        var posted: Int64 = -1
        while true {
            let ids = rest.compactMap(\.id)
            let (postings, heads) = try await store.client.withConnection(.single) { connection in
                let postings = try Posting.find(ids, in: storage.postings, on: connection)
                var heads: [AggregateID: Int64] = [:]
                for id in ids { heads[id] = try store.journal.head(of: id, on: connection) }
                return (postings, heads)
            }
            rest = rest.compactMap { suspect in
                guard let id = suspect.id, record.types.contains(id.type) else { return suspect }
                guard let found = PostingFinding(id.rawValue, postings[id], head: heads[id] ?? 0), !found.isParked
                else { return nil }
                // Up to the version that was the last one at the first look: a commit since then is no fault.
                guard suspect.kind == .behind, found.kind == .behind else { return found }
                return found.posted < suspect.head ? suspect : nil
            }
            let sum = postings.values.reduce(0) { $0 + $1.version }
            if isDelivered, sum > posted { deadline = min(.now + Self.stillness, end) }
            posted = sum
            guard rest.contains(where: { $0.kind == .behind }), ContinuousClock.now < deadline else { return rest }
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}
