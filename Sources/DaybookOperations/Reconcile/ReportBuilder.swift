internal import Daybook
internal import Foundation

/// Makes the report of a reconciliation while it works, says how far it is, and keeps the record of its run up to date.
actor ReportBuilder {
    /// What is kept of the run.
    let record: RunRecord
    private(set) var result = ReconcileReport()
    /// With what an earlier run had done, where this one continues it.
    private var progress: ReconcileProgress
    private let onProgress: @Sendable (ReconcileProgress) -> Void

    /// - Parameters:
    ///   - isKept: Whether the run has a document.
    ///   - interval: How often that is written.
    init(
        _ run: ReconcileRun, isKept: Bool, totalEvents: Int, in log: any RunLog, every interval: Duration = .seconds(1),
        onProgress: @escaping @Sendable (ReconcileProgress) -> Void
    ) {
        record = RunRecord(run, isKept: isKept, in: log, every: interval)
        progress = ReconcileProgress(
            checked: run.checked, events: run.events, totalEvents: totalEvents, findings: 0, written: run.written)
        self.onProgress = onProgress
        if isKept { result.runID = run.id.uuidString.lowercased() }
    }

    /// Notes what a part of the work has brought.
    ///
    /// - Parameters:
    ///   - part: The index of the part, and how far it is done; nil for what belongs to none.
    func advance(
        _ part: (index: Int, position: String?)?, checked: Int, events: Int, written: Int, findings: [Finding]
    ) async throws {
        result.checked += checked
        result.events += events
        result.written += written
        for finding in findings { result.add(finding) }
        progress.checked += checked
        progress.events += events
        progress.written += written
        progress.findings = result.total
        onProgress(progress)
        try await record.advance(
            part, checked: checked, events: events, written: written, findings: findings.map(\.kind.rawValue))
    }

    func add(earlier run: ReconcileRun) {
        result.earlier = ReconcileReport.Earlier(
            startedAt: run.startedAt, updatedAt: run.updatedAt, checked: run.checked, events: run.events, written: run.written)
    }

    /// Where each part is one aggregate: notes those of which nothing was there.
    func noteAbsentIDs() async {
        result.absentIDs = await record.absentIDs
    }

    func add(unknownTypes: [String]) {
        result.unknownTypes = unknownTypes
    }
}
