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
        try await display.show(interrupted: advice) {
            try await body { [display] progress in
                display.update(
                    progress.events, of: progress.totalEvents > 0 ? max(progress.totalEvents, progress.events) : nil,
                    findings: progress.findings)
            }
        }
    }
}
