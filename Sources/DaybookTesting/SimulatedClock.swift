public import Daybook
public import Foundation
internal import Synchronization

/// A clock that only the test advances, with random numbers that are the same in every run.
///
/// ```swift
/// let clock = SimulatedClock()
/// try await withTemporaryStore(aggregates: [License.self], configure: { $0.clock = clock.commitClock }) { store in
///     ...
///     clock.advance(by: .seconds(86_400))
/// }
/// ```
///
/// It is safe to share between tasks.
public final class SimulatedClock: Sendable {
    /// 2026-01-01T00:00:00Z: the time in a test that sets no other.
    public static let start = Date(timeIntervalSince1970: 1_767_225_600)

    private let time: Mutex<Date>
    private let generator: Mutex<SplitMix64>

    /// - Parameters:
    ///   - start: The initial time.
    ///   - seed: The seed of the random numbers.
    public init(at start: Date = SimulatedClock.start, seed: UInt64 = 0) {
        time = Mutex(start)
        generator = Mutex(SplitMix64(seed: seed))
    }

    /// The time. It may be set to an earlier one, as when a real clock is corrected.
    public var now: Date {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }

    /// Advances the time.
    public func advance(by duration: Duration) {
        time.withLock { $0 += duration / .seconds(1) }
    }

    /// This clock, for `DaybookConfiguration.clock`.
    public var commitClock: CommitClock {
        CommitClock(now: { self.now }, random: { self.generator.withLock { $0.next() } })
    }
}
