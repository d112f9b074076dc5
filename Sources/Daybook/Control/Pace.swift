internal import Synchronization

/// At most so many pieces of work a second, evenly, for all tasks together.
package final class Pace: Sendable {
    private let interval: Duration
    private let next = Mutex(ContinuousClock.now)

    package init(perSecond rate: Double) {
        interval = .seconds(1 / rate)
    }

    /// Returns when it is time for `count` more pieces.
    package func wait(for count: Int = 1) async throws {
        let turn = next.withLock { next in
            let turn = max(next, .now)
            next = turn + interval * count
            return turn
        }
        try await Task.sleep(until: turn, clock: .continuous)
    }
}
