#if Benchmarks
    internal import Histogram
#endif
internal import Synchronization

/// How long operations took, in nanoseconds; from any number of tasks.
///
/// Without the package's trait `Benchmarks` there is no histogram to keep them in, and daybook-bench measures nothing.
final class Latencies: Sendable {
    #if Benchmarks
        static let areKept = true

        private let histogram = Mutex(Latencies.empty())

        private static func empty() -> Histogram<UInt64> {
            // A minute is longer than any operation; what takes longer counts as that.
            Histogram<UInt64>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)
        }

        private static let longest: UInt64 = 60_000_000_000

        func record(_ nanoseconds: UInt64) {
            histogram.withLock { _ = $0.record(min(nanoseconds, Self.longest)) }
        }

        /// Of one task, or of C, all at once.
        func record(_ nanoseconds: some Sequence<UInt64>) {
            histogram.withLock { histogram in
                for value in nanoseconds { _ = histogram.record(min(value, Self.longest)) }
            }
        }

        /// The time that `percent` of the operations took at most, in microseconds; nil when there was none.
        func microseconds(at percent: Double) -> Double? {
            histogram.withLock { $0.totalCount == 0 ? nil : Double($0.valueAtPercentile(percent)) / 1_000 }
        }

        func add(_ other: Latencies) {
            let values = other.histogram.withLock { $0 }
            histogram.withLock { $0.add(values) }
        }
    #else
        static let areKept = false

        func record(_ nanoseconds: UInt64) {}
        func record(_ nanoseconds: some Sequence<UInt64>) {}
        func microseconds(at percent: Double) -> Double? { nil }
        func add(_ other: Latencies) {}
    #endif
}
