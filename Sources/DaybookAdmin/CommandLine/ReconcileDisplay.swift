internal import Daybook
internal import DaybookOperations

/// Shows the progress of a reconciliation.
struct ReconcileDisplay {
    private let display: ProgressDisplay

    init(isQuiet: Bool) {
        display = ProgressDisplay("events", isQuiet: isQuiet)
    }

    /// - Parameter advice: The text to print when it is interrupted.
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
