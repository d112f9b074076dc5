public import Daybook
internal import DaybookBSON
internal import DaybookMongo
internal import Foundation

/// What operators see and change of projections; see ``Daybook/DaybookStore/projections``. It needs the application's
/// code, but for ``list()`` and ``drop(_:reason:isDryRun:)``. Each change is recorded with who made it and why, in the
/// subscription's record and in that of the run.
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
    /// `new` before a process or a rebuild has made the view, then `live`; for a time `swapping`, `rebuilding` or
    /// `dropping`.
    public let state: String
    /// The version whose documents a process makes now beside those in use; nil for none.
    public let building: Int32?
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

    mutating func add(_ findings: [ProjectionFinding], _ totals: ProjectionBuild.Totals) {
        self.findings = findings
        for finding in findings { counts[finding.kind, default: 0] += 1 }
        (events, parked) = (totals.events, totals.parked)
    }
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
                let (documents, building) = try await store.client.withConnection(.single) {
                    (try $0.count([:], in: view), try buildingVersion(of: record, on: $0))
                }
                let own = store.ownSubscriptions.first { $0.name.rawValue == record.name }
                statuses.append(
                    ProjectionStatus(
                        name: record.name, version: record.version, programVersion: own?.version,
                        state: record.state.rawValue, building: building, documents: documents))
            }
            return statuses
        }
    }

    /// The version that is built beside, while the build saves how far it came: it does so every second or two.
    private func buildingVersion(
        of record: SubscriptionRecord, on connection: isolated MongoConnection
    ) throws -> Int32? {
        guard record.state == .live || record.state == .new, let version = record.build?["version"]?.integer else {
            return nil
        }
        let build = SubscriptionStorage(try SubscriptionName(record.name), .beside, in: store.database)
        // By the server's clock, as it was written.
        let lately = BSONValue.int64(Int64(Lease.duration / .milliseconds(1)))
        let isRecent: BSONDocument = [
            "_id": .string(build.partitionName(0)),
            "$expr": ["$gt": ["$updatedAt", ["$subtract": ["$$NOW", lately]]]],
        ]
        return try connection.findOne(isRecent, in: build.checkpoints) { _ in Int32(clamping: version) }
    }

    /// Makes the documents of projections again beside those in use, compares the two, and drops what was made. Writers
    /// and the delivery go on meanwhile: what it reports differs though neither document has changed for ten seconds,
    /// or two where no process runs the projection. A document that never rests for so long is not judged.
    ///
    /// - Parameters:
    ///   - names: The projections; all of the store's when there are none.
    ///   - progress: Called with the number of events handled so far.
    public func verify(
        _ names: [SubscriptionName] = [], progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [ProjectionReport] {
        try await forEach(names, "projections verify", .beside) { build, report in
            let (findings, totals) = try await compare(build, &report) { progress($0) }
            report.add(findings, totals)
            try await build.discard()
        }
    }

    /// As ``verify(_:progress:)``, and where a document differs, those that were made again take the place of those in
    /// use.
    public func patch(
        _ names: [SubscriptionName] = [], reason: SubscriptionAdministration.Reason,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [ProjectionReport] {
        try await forEach(names, "projections patch", .beside) { build, report in
            let change = store.subscriptions.note("patch", reason)
            try await recording(.patch, build, change, &report) { run, report in
                let (findings, totals) = try await compare(build, &report) {
                    try await run.reached(events: $0)
                    progress($0)
                }
                report.add(findings, totals)
                try await run.record.advance(
                    part: nil, to: nil, checked: 0, events: 0, written: 0, findings: findings.map(\.kind.rawValue))
                try await run.record.reached(checked: report.checked, events: report.events)
                guard !findings.isEmpty else { return try await build.discard() }
                try await note(change, build)
                try await run.record.reached(written: totals.documents)
                try await build.finish()
                report.isReplaced = true
            }
        }
    }

    /// Makes the documents of projections again from the first event. A rebuild that was killed is resumed when the
    /// same program is asked for the same again within an hour.
    ///
    /// - Parameters:
    ///   - names: The projections; all of the store's when there are none.
    ///   - swap: Whether readers go on with the documents in use until the new ones are complete. Otherwise the view is
    ///     empty at first.
    ///   - restart: Whether a rebuild that did not come to its end is given up.
    public func rebuild(
        _ names: [SubscriptionName] = [], swap: Bool = false, restart: Bool = false,
        reason: SubscriptionAdministration.Reason, progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [ProjectionReport] {
        try await forEach(names, "projections rebuild", swap ? .beside : .inPlace) { build, report in
            let change = store.subscriptions.note(swap ? "rebuild --swap" : "rebuild", reason)
            try await recording(.rebuild, build, change, restart: restart, &report) { run, report in
                try await note(change, build)
                if build.place == .inPlace { try await build.beginInPlace() }
                try await build.run(
                    mayResume: run.isResumed,
                    reached: {
                        try await run.reached($0)
                        if $0 > 0 { progress($0) }
                    }
                ) {}
                let totals = try await build.totals()
                try await run.reached(totals)
                try await build.finish()
                report.add([], totals)
                report.checked = totals.documents
                report.isReplaced = true
            }
        }
    }

    /// Removes a projection that no process runs: its documents, postings, position and dead letters.
    ///
    /// - Parameter isDryRun: Whether nothing is removed.
    /// - Returns: How many documents it has, or had.
    /// - Throws: `DaybookError`; `invalidArgument` when the database has no such projection, `conflict` while a
    ///   process runs it.
    @discardableResult
    public func drop(
        _ name: SubscriptionName, reason: SubscriptionAdministration.Reason, isDryRun: Bool = false
    ) async throws -> Int {
        try await store.telemetry.perform("projections drop") {
            let count = try await countBeforeDrop(of: name)
            guard !isDryRun else { return count }
            let holder = DaybookStore.holder()
            let lease = MaintenanceLease(store: store, holder: holder, subjects: [ProjectionBuild.subject(name)])
            try await lease.hold { _ in
                // Meanwhile, another process may have dropped it.
                _ = try await countBeforeDrop(of: name)
                let drop = ProjectionDrop(store: store, name: name)
                let log = StoredRunLog(store: store)
                var run = MaintenanceRun(
                    .drop, of: name, store.subscriptions.note("drop", reason), holder: holder, in: log)
                run.program = await ProgramFingerprint.read()
                let record = MaintenanceRun.Record(run, isKept: true, in: log)
                try await log.insert(run)
                try await record.reached(checked: count)
                do {
                    try await drop.begin()
                    try await drop.finish()
                } catch {
                    let (status, reason) = ProjectionRun.ending(after: error)
                    await Task { try? await record.end(status, reason: reason) }.value
                    throw error
                }
                try await record.end(.done)
            }
            return count
        }
    }

    /// How many documents a projection has that may be dropped.
    private func countBeforeDrop(of name: SubscriptionName) async throws -> Int {
        let records = try await store.client.withConnection(.single) {
            try SubscriptionRecord.all(in: store.database, at: store.clock.now(), on: $0)
        }
        guard let record = records.first(where: { $0.name == name.rawValue }),
            record.kind == Subscription.Kind.projection.rawValue
        else {
            let known = records.filter { $0.kind == Subscription.Kind.projection.rawValue }.map(\.name)
            throw DaybookError(
                .invalidArgument,
                "the database has no projection \"\(name)\"; it has "
                    + (known.isEmpty ? "none" : known.joined(separator: ", ")))
        }
        guard record.members.isEmpty || record.state == .dropping else {
            throw DaybookError(
                .conflict,
                "the projection \"\(name)\" is run by \(record.members.joined(separator: ", ")): stop that first, "
                    + "or deploy a program without it")
        }
        let view = try store.subscriptions.storage(record).view
        return try await store.client.withConnection(.single) { try $0.count([:], in: view) }
    }

    // MARK: The work

    /// Makes the documents again beside those in use, and compares them with these while events are delivered to both.
    private func compare(
        _ build: ProjectionBuild, _ report: inout ProjectionReport,
        reached: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> (findings: [ProjectionFinding], totals: ProjectionBuild.Totals) {
        let record = try await store.subscriptions.record(build.subscription.name)
        guard record.state != .new else {
            throw DaybookError(
                .conflict,
                "the projection \"\(record.name)\" is not built in this database yet: run the service, or projections "
                    + "rebuild")
        }
        guard record.version == build.subscription.version else {
            throw DaybookError(
                .conflict,
                "the documents of \"\(record.name)\" are of version \(record.version), and this program makes "
                    + "version \(build.subscription.version): run projections rebuild --swap, or the service")
        }
        let live = SubscriptionStorage(build.subscription.name, in: store.database)
        let fresh = SubscriptionStorage(build.subscription.name, .beside, in: store.database)
        let (findings, checked) = try await build.run(
            mayResume: false, reached: { if $0 > 0 { try await reached($0) } }
        ) {
            try await ProjectionComparison(
                store: store, live: live.view, fresh: fresh.view,
                stillness: record.members.isEmpty ? .seconds(2) : .seconds(10)
            ).run()
        }
        report.checked = checked
        return (findings, try await build.totals())
    }

    /// Runs `body` with a record in `daybook.runs`, and notes there how it ended.
    private func recording(
        _ kind: MaintenanceRun.Kind, _ build: ProjectionBuild, _ change: SubscriptionRecord.Change,
        restart: Bool = false, _ report: inout ProjectionReport,
        _ body: (ProjectionRun, inout ProjectionReport) async throws -> Void
    ) async throws {
        let run = try await ProjectionRun.begin(kind, of: build, change, restart: restart)
        report.runID = await run.record.run.id.uuidString.lowercased()
        do {
            try await body(run, &report)
            try await run.end()
        } catch {
            await run.end(after: error)
            throw error
        }
    }

    /// Records in the subscription's record who has it done, and why.
    private func note(_ change: SubscriptionRecord.Change, _ build: ProjectionBuild) async throws {
        try await store.client.withConnection(.single) { connection in
            _ = try SubscriptionRecord.join(build.subscription, holder: nil, in: store.database, on: connection)
            try SubscriptionRecord.change(
                build.subscription.name, by: [:], noting: change, in: store.database, on: connection)
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
                    try await ProjectionBuild.finishBegun(of: subscription.name, in: store)
                    var report = ProjectionReport(subscription.name.rawValue)
                    do {
                        try await body(build, &report)
                    } catch is PartitionsLost {
                        throw DaybookError(
                            .conflict,
                            "another process has taken over the build of the projection \"\(subscription.name)\"")
                    }
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
}
