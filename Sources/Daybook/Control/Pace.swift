internal import Synchronization

/// At most so many steps a second, evenly, for all tasks together.
package final class Pace: Sendable {
    private let interval: Duration
    private let next = Mutex(ContinuousClock.now)

    package init(perSecond rate: Double) {
        interval = .seconds(1 / rate)
    }

    /// Waits for the next step's turn.
    package func wait() async throws {
        let turn = next.withLock { next in
            let turn = max(next, .now)
            next = turn + interval
            return turn
        }
        try await Task.sleep(until: turn, clock: .continuous)
    }
}
