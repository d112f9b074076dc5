internal import Foundation
internal import Synchronization

/// At most so many pieces of work a second, evenly, for all tasks together.
package final class Pace: Sendable {
    /// 30 years.
    private static let maximumWait: TimeInterval = 1e9
    private let rate: Double
    private let next = Mutex(ContinuousClock.now)

    package init(perSecond rate: Double) {
        self.rate = rate
    }

    /// How many pieces to do together, so that the pace stays even: a quarter of a second's.
    package func portion(of maximum: Int) -> Int { max(1, Int(min(Double(maximum), rate / 4))) }

    /// Returns when it is time for `count` more pieces.
    package func wait(for count: Int = 1) async throws {
        let turn = next.withLock { next in
            let turn = max(next, .now)
            // A duration of more seconds than 2^63 traps. At a rate so low it makes no difference when the next one
            // comes.
            next = turn + .seconds(min(Double(count) / rate, Self.maximumWait))
            return turn
        }
        try await Task.sleep(until: turn, clock: .continuous)
    }
}
