internal import Daybook
internal import Foundation
internal import Logging

/// The record of work on a projection in `daybook.runs`.
struct ProjectionRun: Sendable {
    let record: MaintenanceRun.Record
    /// Whether an earlier build of the same program is continued.
    let isResumed: Bool
    private let build: ProjectionBuild

    /// Puts the record of a rebuild or a patch there, or goes on with that of a rebuild which was stopped or killed.
    ///
    /// - Parameter change: Who wants it, and why.
    static func begin(
        _ kind: MaintenanceRun.Kind = .rebuild, of build: ProjectionBuild,
        _ change: SubscriptionRecord.Change, restart: Bool = false
    ) async throws -> ProjectionRun {
        let log = StoredRunLog(store: build.store)
        var run = MaintenanceRun(kind, of: build.subscription.name, change, holder: build.holder, in: log)
        run.isSwap = kind == .rebuild && build.place == .beside
        run.schemas = [build.subscription.version]
        run.program = await ProgramFingerprint.read()
        let (begun, earlier) = try await log.begin(run, resumes: kind == .rebuild, restart: restart) {
            build.store.telemetry.logger.notice("\($0)")
        }
        return ProjectionRun(
            record: MaintenanceRun.Record(begun, isKept: true, in: log), isResumed: earlier != nil, build: build)
    }

    /// Notes how many events are handled in all, and how many documents there are.
    func reached(_ events: Int) async throws {
        guard await record.isDue else { return }
        let documents = try await build.estimatedDocuments()
        try await record.reached(checked: documents, events: events, written: documents)
    }

    /// As ``reached(_:)``, of work whose documents are not in their place yet.
    func reached(events: Int) async throws { try await record.reached(events: events) }

    /// Notes what a build has made.
    func reached(_ totals: ProjectionBuild.Totals) async throws {
        try await record.reached(checked: totals.documents, events: totals.events, written: totals.documents)
    }

    /// Notes that the work has come to its end.
    func end() async throws { try await record.end(.done) }

    /// Notes that the work has ended too early.
    func end(after error: any Error) async {
        let (status, reason) = Self.ending(after: error)
        // In a task of its own, because this one may have been cancelled.
        await Task {
            if await record.run.kind == .rebuild, let totals = try? await build.totals() { try? await reached(totals) }
            try? await record.end(status, reason: reason)
        }.value
    }

    /// How work ended that has thrown `error`, in words for people.
    static func ending(after error: any Error) -> (status: MaintenanceRun.Status, reason: String) {
        switch DaybookError.enriching(error, operation: "projections", aggregateID: nil) {
        case is CancellationError: (.interrupted, "it was stopped")
        case is PartitionsLost, is LeaseLost: (.failed, "another process has taken the work over")
        case let error as DaybookError: (.failed, error.message)
        case let error: (.failed, "\(error)")
        }
    }
}

extension MaintenanceRun {
    init(
        _ kind: Kind, of name: SubscriptionName, _ change: SubscriptionRecord.Change, holder: String,
        in log: StoredRunLog
    ) {
        let id = EventID(milliseconds: EventID.milliseconds(at: log.now()), random: { UInt64.random(in: 0 ... .max) })
        self.init(kind, of: [ProjectionBuild.subject(name)], id: id.uuid, holder: holder, at: log.now())
        by = change.by
        why = change.why
    }
}
