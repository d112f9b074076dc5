public import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation
internal import Synchronization

/// What operators see and change of projections; see ``Daybook/DaybookStore/projections``. It needs the application's
/// code, but for ``list()`` and ``drop(_:_:isDryRun:)``.
public struct ProjectionAdministration: Sendable {
    let store: DaybookStore
}

extension DaybookStore {
    /// The projections of the database.
    public var projections: ProjectionAdministration { ProjectionAdministration(store: self) }
}

/// How a projection stands.
public struct ProjectionStatus: Sendable {
    /// Its name.
    public let name: String
    /// The version whose documents are in use.
    public let version: Int32
    /// The version of this program; nil where it does not have the projection.
    public let programVersion: Int32?
    /// `live`, `swapping` or `rebuilding`.
    public let state: String
    /// How many documents the view has.
    public let documents: Int
}

/// What a comparison of a view with its events, or a rebuild, has found and done.
public struct ProjectionReport: Sendable {
    /// The projection.
    public let name: String
    /// How many documents were compared, or made.
    public internal(set) var checked = 0
    /// How many events were handled to make the documents again.
    public internal(set) var events = 0
    /// How many findings there are of each kind; those of which there are none are left out.
    public internal(set) var counts: [ProjectionFinding.Kind: Int] = [:]
    /// The findings, by key; at most 10,000.
    public internal(set) var findings: [ProjectionFinding] = []
    /// Whether the documents that were made again took the place of those in use.
    public internal(set) var isReplaced = false
    /// Aggregates that could not be handled while the documents were made again.
    public internal(set) var parked = 0
    /// The record of the run in `daybook.runs`; nil where none was made.
    public internal(set) var runID: String?
    /// How long it took.
    public internal(set) var duration = Duration.zero

    /// How many findings there are in all.
    public var total: Int { counts.values.reduce(0, +) }

    init(_ name: String) { self.name = name }
}

extension ProjectionAdministration {
    /// Every projection of the database, by name.
    public func list() async throws -> [ProjectionStatus] {
        try await store.telemetry.perform("projections") {
            try await store.requireJournal(for: "projections")
            var statuses: [ProjectionStatus] = []
            for record in try await store.subscriptions.records()
            where record.kind == Subscription.Kind.projection.rawValue {
                let view = try store.subscriptions.storage(record).view
                let documents = try await store.client.withConnection(.single) { try $0.count([:], in: view) }
                let own = store.ownSubscriptions.first { $0.name.rawValue == record.name }
                statuses.append(
                    ProjectionStatus(
                        name: record.name, version: record.version, programVersion: own?.version,
                        state: record.state.rawValue, documents: documents))
            }
            return statuses
        }
    }

    /// Makes the documents of projections again beside those in use, compares the two, and drops what was made. Writers
    /// and the delivery go on meanwhile: what it reports differs though neither document has changed for ten seconds, or
    /// two where no process runs the projection. A document that never rests for so long is not judged.
    ///
    /// - Parameters:
    ///   - names: The projections; all of the store's when there are none.
    ///   - progress: Called with the number of events handled so far.
    public func verify(
        _ names: [SubscriptionName] = [], progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [ProjectionReport] {
        try await compare(names, repairs: false, progress)
    }

    /// As ``verify(_:progress:)``, and where a document differs, those that were made again take the place of those in
    /// use.
    public func patch(
        _ names: [SubscriptionName] = [], progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [ProjectionReport] {
        try await compare(names, repairs: true, progress)
    }

    /// Makes the documents of projections again from the first event. A rebuild that was killed is resumed when the same
    /// program is asked for the same again within an hour.
    ///
    /// - Parameters:
    ///   - names: The projections; all of the store's when there are none.
    ///   - swap: Whether readers go on with the documents in use until the new ones are complete. Otherwise the view is
    ///     empty at first.
    ///   - restart: Whether a rebuild that did not come to its end is given up.
    public func rebuild(
        _ names: [SubscriptionName] = [], swap: Bool = false, restart: Bool = false,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [ProjectionReport] {
        try await forEach(names, "projections rebuild", swap ? .beside : .inPlace) { build, report in
            let run = try await ProjectionRun.begin(build, restart: restart)
            report.runID = await run.record.run.id.uuidString.lowercased()
            do {
                if build.place == .inPlace { try await build.beginInPlace() }
                try await build.run(mayResume: run.isResumed, reached: counting(run, progress)) {}
                try await build.finish()
                (report.checked, report.parked) = try await counts(build)
                report.events = await run.record.run.events
                report.isReplaced = true
                try await run.end(.done)
            } catch {
                try? await run.end(error is CancellationError ? .interrupted : .failed, error)
                throw error
            }
        }
    }

    /// Removes a projection that no process runs: its documents, postings, position and dead letters.
    ///
    /// - Parameter isDryRun: Whether nothing is removed.
    /// - Returns: How many documents it has, or had.
    @discardableResult
    public func drop(_ name: SubscriptionName, isDryRun: Bool = false) async throws -> Int {
        try await store.telemetry.perform("projections drop") {
            let record = try await store.subscriptions.record(name)
            guard record.kind == Subscription.Kind.projection.rawValue else {
                throw DaybookError(.invalidArgument, "\"\(name)\" is a \(record.kind), and no projection")
            }
            guard record.members.isEmpty else {
                throw DaybookError(
                    .conflict,
                    "the projection \"\(name)\" is run by \(record.members.joined(separator: ", ")): stop that first, "
                        + "or deploy a program without it")
            }
            let live = try store.subscriptions.storage(record)
            let build = SubscriptionStorage(name, .beside, in: store.database)
            return try await store.client.withConnection(.single) { connection in
                let count = try connection.count([:], in: live.view)
                guard !isDryRun else { return count }
                try PartitionProgress.fence(0..<record.partitions, in: live, on: connection)
                for namespace in [live.view, live.postings, build.view, build.postings] {
                    try ProjectionBuild.drop(namespace, on: connection)
                }
                let checkpoints = (0..<record.partitions).map { live.partitionName($0) } + [build.partitionName(0)]
                // The epochs stay, so that no earlier process can write.
                _ = try connection.bulkWrite(
                    checkpoints.map { .updateOne(["_id": .string($0)], update: ["$unset": ["position": ""]]) },
                    ordered: true, in: live.checkpoints)
                try DeadLetter.delete(of: name.rawValue, in: store.database, on: connection)
                try connection.deleteOne(
                    ["_id": .string(name.rawValue)], in: SubscriptionRecord.namespace(in: store.database))
                return count
            }
        }
    }

    // MARK: The work

    private func compare(
        _ names: [SubscriptionName], repairs: Bool, _ progress: @escaping @Sendable (Int) -> Void
    ) async throws -> [ProjectionReport] {
        try await forEach(names, repairs ? "projections patch" : "projections verify", .beside) { build, report in
            let record = try await store.subscriptions.record(build.subscription.name)
            guard record.version == build.subscription.version else {
                throw DaybookError(
                    .conflict,
                    "the documents of \"\(record.name)\" are of version \(record.version), and this program makes "
                        + "version \(build.subscription.version): run projections rebuild --swap, or the service")
            }
            let total = EventCount(progress)
            let live = SubscriptionStorage(build.subscription.name, in: store.database)
            let fresh = SubscriptionStorage(build.subscription.name, .beside, in: store.database)
            let (findings, checked) = try await build.run(mayResume: false, reached: { total.add($0) }) {
                try await ProjectionComparison(
                    store: store, live: live.view, fresh: fresh.view,
                    stillness: record.members.isEmpty ? .seconds(2) : .seconds(10)
                ).run()
            }
            report.checked = checked
            report.events = total.value
            report.findings = findings
            for finding in findings { report.counts[finding.kind, default: 0] += 1 }
            report.parked = try await counts(build).parked
            if repairs, !findings.isEmpty {
                try await build.finish()
                report.isReplaced = true
            } else {
                try await build.discard()
            }
        }
    }

    private func forEach(
        _ names: [SubscriptionName], _ operation: String, _ place: SubscriptionStorage.Place,
        _ body: @escaping @Sendable (ProjectionBuild, inout ProjectionReport) async throws -> Void
    ) async throws -> [ProjectionReport] {
        try await store.telemetry.perform(operation) {
            try await store.requireJournal(for: operation)
            let holder = DaybookStore.holder()
            var reports: [ProjectionReport] = []
            for subscription in try own(names) {
                guard let build = ProjectionBuild(of: subscription, in: store, place, holder: holder) else { continue }
                let start = ContinuousClock.now
                let lease = MaintenanceLease(
                    store: store, holder: holder, subjects: [ProjectionBuild.subject(subscription.name)])
                var report = try await lease.hold { _ in
                    // What an earlier process has begun comes first.
                    try await ProjectionBuild.finish(swapOf: subscription, in: store)
                    var report = ProjectionReport(subscription.name.rawValue)
                    try await body(build, &report)
                    return report
                }
                report.duration = ContinuousClock.now - start
                reports.append(report)
            }
            return reports
        }
    }

    /// The store's projections of these names; all when there are no names.
    private func own(_ names: [SubscriptionName]) throws -> [Subscription] {
        let own = store.ownSubscriptions.filter { $0.kind == .projection }
        guard !names.isEmpty else { return own }
        var seen: Set<SubscriptionName> = []
        return try names.filter { seen.insert($0).inserted }.map { name in
            if let found = own.first(where: { $0.name == name }) { return found }
            let known = own.map(\.name.rawValue).sorted().joined(separator: ", ")
            throw DaybookError(
                .invalidArgument,
                "this program has no projection \"\(name)\"; it has \(known.isEmpty ? "none" : known)")
        }
    }

    private func counting(
        _ run: ProjectionRun, _ progress: @escaping @Sendable (Int) -> Void
    ) -> @Sendable (Int) async throws -> Void {
        { events in
            try await run.reached(events)
            progress(await run.record.run.events)
        }
    }

    /// How many documents and parked aggregates a build that is in its place has.
    private func counts(_ build: ProjectionBuild) async throws -> (documents: Int, parked: Int) {
        try await store.client.withConnection(.single) { connection in
            let name = build.subscription.name
            let live = SubscriptionStorage(name, in: store.database)
            let beside = SubscriptionStorage(name, .beside, in: store.database)
            let isBeside = try !connection.collections(named: [beside.postings.collection], in: store.database).isEmpty
            let storage = isBeside ? beside : live
            return (
                try connection.count([:], in: storage.view),
                try connection.count(["parked": ["$exists": true]], in: storage.postings)
            )
        }
    }
}

/// How many events were handled, from whichever task.
private final class EventCount: Sendable {
    private let count = Mutex(0)
    private let progress: @Sendable (Int) -> Void

    init(_ progress: @escaping @Sendable (Int) -> Void) {
        self.progress = progress
    }

    var value: Int { count.withLock { $0 } }

    func add(_ events: Int) {
        guard events > 0 else { return }
        progress(
            count.withLock {
                $0 += events
                return $0
            })
    }
}
