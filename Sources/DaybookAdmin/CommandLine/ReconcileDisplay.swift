internal import Daybook
internal import DaybookOperations

/// Shows how far a reconciliation is while it runs.
struct ReconcileDisplay {
    private let display: ProgressDisplay

    init(isQuiet: Bool) {
        display = ProgressDisplay("events", isQuiet: isQuiet)
    }

    /// - Parameter advice: What is said when it is interrupted.
    func show(
        interrupted advice: String, isolation: isolated (any Actor)? = #isolation,
        _ body: (@escaping @Sendable (ReconcileProgress) -> Void) async throws -> ReconcileReport
    ) async throws -> ReconcileReport {
        do {
            let report = try await body { [display] progress in
                display.update(
                    progress.events, of: progress.totalEvents > 0 ? max(progress.totalEvents, progress.events) : nil,
                    findings: progress.findings)
            }
            display.finish()
            return report
        } catch {
            display.finish()
            if error is CancellationError { StandardError.line(advice) }
            throw error
        }
    }
}
