internal import Foundation
internal import Synchronization

/// How far long work has come, on stderr: a bar on a terminal, a line every 10 s otherwise.
public final class ProgressDisplay: Sendable {
    /// How it shows what it is told.
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
    ///   - total: How many there will be, where that is known.
    ///   - isQuiet: Whether nothing is shown; see ``StoreOptions/quiet``.
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
        // The first line comes when an interval is over: what is done by then needs none. A bar comes at once.
        state = Mutex(State(total: total, shown: style == .lines ? start : nil))
    }

    /// Says how much is done in all. May be called as often as one likes, by several tasks; what comes late is shown later.
    ///
    /// - Parameters:
    ///   - total: How many there will be, if that has become known or has changed.
    ///   - findings: How many of them something was found at, where that is looked for.
    public func update(_ done: Int, of total: Int? = nil, findings: Int? = nil) {
        guard style != .none else { return }
        let now = now()
        state.withLock { state in
            state.done = done
            state.total = total ?? state.total
            state.findings = findings ?? state.findings
            if let shown = state.shown, now - shown < style.interval { return }
            state.shown = now
            // Inside the lock, so that lines come one after the other.
            write(style == .bar ? "\r\(line(state, now))\u{1B}[K" : line(state, now) + "\n")
        }
    }

    /// Shows the last that was said, and ends the line of a bar.
    public func finish() {
        guard style == .bar else { return }
        let now = now()
        state.withLock { state in
            if state.shown != nil { write("\r\(line(state, now))\u{1B}[K\n") }
            state.shown = nil
        }
    }

    private func line(_ state: State, _ now: ContinuousClock.Instant) -> String {
        let seconds = (now - start) / .seconds(1)
        let rate = seconds > 0 ? Double(state.done) / seconds : 0
        var parts: [String] = []
        if let total = state.total {
            parts.append(
                style == .bar ? "\(bar(state.done, total)) \(state.done)/\(total) \(unit)" : "\(state.done) of \(total) \(unit)")
        } else {
            parts.append("\(state.done) \(unit)")
        }
        parts.append("\(Self.shown(rate))/s")
        if let total = state.total, rate > 0 {
            parts.append("\(Self.shown(seconds: Double(max(0, total - state.done)) / rate)) left")
        }
        if let findings = state.findings { parts.append(findings == 1 ? "1 finding" : "\(findings) findings") }
        return parts.joined(separator: ", ")
    }

    private func bar(_ done: Int, _ total: Int) -> String {
        let width = 30
        let full = total > 0 ? Int(Double(width) * min(1, max(0, Double(done) / Double(total)))) : width
        return "[\(String(repeating: "#", count: full))\(String(repeating: ".", count: width - full))]"
    }

    /// `1234`, and under ten `3.4`.
    private static func shown(_ rate: Double) -> String {
        rate < 10 ? "\((rate * 10).rounded() / 10)" : "\(Int(min(rate, 1e15).rounded()))"
    }

    /// `42 s`, `3 min 5 s`, `2 h 10 min`.
    private static func shown(seconds: Double) -> String {
        let seconds = Int(min(seconds, 1e9).rounded(.up))
        return switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min \(seconds % 60) s"
        default: "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        }
    }
}
