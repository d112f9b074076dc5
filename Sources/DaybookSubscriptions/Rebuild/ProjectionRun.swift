internal import Daybook
internal import Foundation
internal import Logging

/// The record of a projection's build in `daybook.runs`.
struct ProjectionRun: Sendable {
    let record: MaintenanceRun.Record
    /// Whether an earlier build of the same program is continued.
    let isResumed: Bool

    static func begin(_ build: ProjectionBuild, restart: Bool) async throws -> ProjectionRun {
        let store = build.store
        let log = StoredRunLog(store: store)
        let id = EventID(milliseconds: EventID.milliseconds(at: log.now()), random: { UInt64.random(in: 0 ... .max) })
        var run = MaintenanceRun(
            .rebuild, of: [ProjectionBuild.subject(build.subscription.name)], id: id.uuid, holder: build.holder,
            at: log.now())
        run.isSwap = build.place == .beside
        run.schemas = [build.subscription.version]
        run.program = await ProgramFingerprint.read()
        let (begun, earlier) = try await log.begin(run, resumes: true, restart: restart) {
            store.telemetry.logger.notice("\($0)")
        }
        return ProjectionRun(
            record: MaintenanceRun.Record(begun, isKept: true, in: log), isResumed: earlier != nil)
    }

    /// Notes how many events were handled.
    func reached(_ events: Int) async throws {
        guard events > 0 else { return }
        try await record.advance(part: nil, to: nil, checked: 0, events: events, written: 0, findings: [])
    }

    func end(_ status: MaintenanceRun.Status, _ error: (any Error)? = nil) async throws {
        // In a task of its own, because this one may have been cancelled.
        try await Task { try await record.end(status, reason: error.map { "\($0)" }) }.value
    }
}
