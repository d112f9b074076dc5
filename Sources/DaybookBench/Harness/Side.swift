internal import CBareDriver
internal import Histogram
internal import Synchronization

/// One way of doing the work of a case: Daybook's, or the one without it.
struct Side: Sendable {
    let name: String
    /// Commands sent to the server for each operation, from a pass that counts them; nil where there is no server.
    var roundTrips: Double?
    /// Bytes of those commands for each operation.
    var bytesSent: Double?
    /// Makes ready what a run needs. It is not part of what is measured.
    let prepare: @Sendable () async throws -> Void
    /// Does the work, records how long each operation took, and says how many there were.
    let run: @Sendable (Latencies) async throws -> Int
    /// Waits for what goes on behind the work. It is not part of what is measured.
    let finish: @Sendable () async throws -> Void

    init(
        _ name: String, prepare: @escaping @Sendable () async throws -> Void = {},
        run: @escaping @Sendable (Latencies) async throws -> Int, finish: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.name = name
        self.prepare = prepare
        self.run = run
        self.finish = finish
    }
}

/// Work that Daybook and others do in the same rounds.
struct Case: Sendable {
    let scenario: String
    let name: String
    /// What one operation is.
    let unit: String
    let daybook: Side
    /// The first is the one that the targets are about.
    let baselines: [Side]
}

/// How long operations took, in nanoseconds; from any number of tasks.
final class Latencies: Sendable {
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
}

/// The clock of the measurements.
func nanoseconds() -> UInt64 { bare_now() }
