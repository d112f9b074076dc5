internal import Foundation
internal import Synchronization

/// Shows the progress of long work on stderr: a bar on a terminal, otherwise a line every 10 s.
public final class ProgressDisplay: Sendable {
    /// The form of the display.
    package enum Style: Sendable {
        case bar
        case lines
        case none

        package var interval: Duration {
            switch self {
            case .bar: .milliseconds(100)
            case .lines: .seconds(10)
            case .none: .zero
            }
        }
    }

    private struct State {
        var done = 0
        var total: Int?
        var findings: Int?
        var shown: ContinuousClock.Instant?
    }

    private let unit: String
    private let style: Style
    private let start: ContinuousClock.Instant
    private let now: @Sendable () -> ContinuousClock.Instant
    private let write: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - unit: What is counted, in the plural: `licences`.
    ///   - total: The final number, where it is known.
    ///   - isQuiet: Whether to show nothing; see ``StoreOptions/quiet``.
    public convenience init(_ unit: String, of total: Int? = nil, isQuiet: Bool = false) {
        let style: Style = isQuiet ? .none : isatty(STDERR_FILENO) == 1 ? .bar : .lines
        self.init(unit, of: total, style: style, now: { .now }, write: StandardError.write)
    }

    package init(
        _ unit: String, of total: Int?, style: Style, now: @escaping @Sendable () -> ContinuousClock.Instant,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.unit = unit
        self.style = style
        self.now = now
        self.write = write
        start = now()
        // The first line comes after an interval, because work that ends before needs none. A bar comes at once.
        state = Mutex(State(total: total, shown: style == .lines ? start : nil))
    }

    /// Reports how much is done in all. It may be called at any rate, by several tasks; the display is updated at
    /// intervals.
    ///
    /// - Parameters:
    ///   - total: The final number, if it is known now or has changed.
    ///   - findings: How many findings there are, where the work looks for some.
    public func update(_ done: Int, of total: Int? = nil, findings: Int? = nil) {
        guard style != .none else { return }
        let now = now()
        state.withLock { state in
            state.done = done
            state.total = total ?? state.total
            state.findings = findings ?? state.findings
            if let shown = state.shown, now - shown < style.interval { return }
            state.shown = now
            // Write while holding the lock, so that lines are not mixed.
            write(style == .bar ? "\r\(line(state, now))\u{1B}[K" : line(state, now) + "\n")
        }
    }

    /// Shows the final state, and ends the line of a bar.
    public func finish() {
        guard style == .bar else { return }
        let now = now()
        state.withLock { state in
            if state.shown != nil { write("\r\(line(state, now))\u{1B}[K\n") }
            state.shown = nil
        }
    }

    /// Runs `body`, and finishes the display.
    ///
    /// - Parameter advice: The text to print when it is interrupted.
    func show<R: Sendable>(
        interrupted advice: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
    ) async throws -> R {
        do {
            let result = try await body()
            finish()
            return result
        } catch {
            finish()
            if error is CancellationError { StandardError.line(advice) }
            throw error
        }
    }

    private func line(_ state: State, _ now: ContinuousClock.Instant) -> String {
        let seconds = (now - start) / .seconds(1)
        let rate = seconds > 0 ? Double(state.done) / seconds : 0
        var parts: [String] = []
        if let total = state.total {
            parts.append(
                style == .bar
                    ? "\(bar(state.done, total)) \(state.done)/\(total) \(unit)" : "\(state.done) of \(total) \(unit)")
        } else {
            parts.append("\(state.done) \(unit)")
        }
        parts.append("\(Self.shown(rate))/s")
        if let total = state.total, rate > 0 {
            parts.append("\(Text.span(Double(max(0, total - state.done)) / rate)) left")
        }
        if let findings = state.findings { parts.append(findings == 1 ? "1 finding" : "\(findings) findings") }
        return parts.joined(separator: ", ")
    }

    private func bar(_ done: Int, _ total: Int) -> String {
        let width = 30
        let full = total > 0 ? Int(Double(width) * min(1, max(0, Double(done) / Double(total)))) : width
        return "[\(String(repeating: "#", count: full))\(String(repeating: ".", count: width - full))]"
    }

    /// `1234`, and below ten `3.4`.
    private static func shown(_ rate: Double) -> String {
        rate < 10 ? "\((rate * 10).rounded() / 10)" : "\(Int(min(rate, 1e15).rounded()))"
    }
}
