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
        generator = Mutex(SplitMix64(state: seed))
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

/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
private struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
