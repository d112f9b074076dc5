internal import Foundation
internal import Synchronization

/// How far a long command has come, on stderr: a bar on a terminal, a line for every tenth otherwise.
final class Progress: Sendable {
    private struct State {
        var done = 0
        var shown = -1
    }

    private let total: Int
    private let unit: String
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    init(total: Int, unit: String) {
        self.total = total
        self.unit = unit
    }

    func advance(to done: Int) {
        let steps = isTerminal ? 1_000 : 10
        let line: String? = state.withLock { state in
            state.done = done
            let step = total > 0 ? done * steps / total : steps
            guard step > state.shown else { return nil }
            state.shown = step
            return isTerminal ? bar(done) : "\(done) of \(total) \(unit)\n"
        }
        if let line { FileHandle.standardError.write(Data(line.utf8)) }
    }

    /// Ends the bar's line.
    func finish() {
        if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
    }

    private func bar(_ done: Int) -> String {
        let width = 40
        let full = total > 0 ? min(width, done * width / total) : width
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rest = done > 0 ? Int(seconds / Double(done) * Double(total - done)) : 0
        return
            "\r[\(String(repeating: "#", count: full))\(String(repeating: ".", count: width - full))] \(done)/\(total) \(unit), \(rest) s left \u{1B}[K"
    }
}

/// At most so many commands a second, evenly, for all tasks together.
final class Pace: Sendable {
    private let interval: Duration
    private let next = Mutex(ContinuousClock.now)

    init(perSecond rate: Double) {
        interval = .seconds(1 / rate)
    }

    func wait() async throws {
        let turn = next.withLock { next in
            let turn = max(next, .now)
            next = turn + interval
            return turn
        }
        try await Task.sleep(until: turn, clock: .continuous)
    }
}
