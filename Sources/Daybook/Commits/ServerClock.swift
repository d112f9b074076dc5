internal import DaybookBSON
internal import DaybookMongo
package import Foundation
internal import Synchronization
internal import Logging

/// The store's clock, corrected to the primary's: writers whose machines disagree about the time still record nearly
/// the same.
///
/// The offset is measured with the first write and then once a minute, against `localTime` in the reply to `hello`
/// (https://www.mongodb.com/docs/manual/reference/command/hello/). On a sharded cluster that is the router's clock.
///
/// It is a hybrid logical clock too: it is never before an id that the store has made, or has read from its feed. So
/// the id of an event is not before that of the event which led to it, in milliseconds, whatever the writers' clocks
/// say.
///
/// An injected clock, as of a simulation, is neither corrected nor advanced.
package final class ServerClock: Sendable {
    private struct Measurement {
        /// By how many seconds the server's clock is ahead.
        var offset: TimeInterval = 0
        var nextAt: ContinuousClock.Instant?
        var hasWarned = false
    }

    /// How long a measurement is valid.
    private static let interval = Duration.seconds(60)
    /// An offset above this is logged as a warning.
    private static let tolerance: TimeInterval = 5

    private let clock: CommitClock
    private let telemetry: Telemetry
    private let measurement = Mutex(Measurement())
    /// The latest time of an id that was observed, in milliseconds.
    private let latest = Atomic<UInt64>(0)
    /// How far an observed id may be in the future. An id of a broken clock would otherwise stop the time of every
    /// process that reads it, until the real time has come there.
    private static let reach: UInt64 = 600_000

    init(_ clock: CommitClock, telemetry: Telemetry) {
        self.clock = clock
        self.telemetry = telemetry
    }

    /// The time that commits are recorded by.
    package func now() -> Date {
        let now = corrected()
        let latest = latest.load(ordering: .relaxed)
        guard latest > EventID.milliseconds(at: now) else { return now }
        return BSONDate(milliseconds: Int64(latest)).date
    }

    /// From now on, the time is not before that of an id which was made or read.
    func observe(_ id: EventID) {
        guard clock.followsServer, id.isVersion7, id.milliseconds > latest.load(ordering: .relaxed) else { return }
        guard id.milliseconds <= EventID.milliseconds(at: corrected()) + Self.reach else { return }
        latest.max(id.milliseconds, ordering: .relaxed)
    }

    private func corrected() -> Date {
        clock.now().addingTimeInterval(measurement.withLock { $0.offset })
    }

    /// 64 random bits.
    var random: @Sendable () -> UInt64 { clock.random }

    /// Measures the offset if the last measurement is too old. A failure is not thrown: the operation that follows will
    /// report it.
    func measureIfDue(on connection: isolated MongoConnection) {
        guard clock.followsServer else { return }
        let isDue = measurement.withLock { measurement in
            // Before the first measurement there is no offset, so every caller measures.
            guard let next = measurement.nextAt else { return true }
            guard ContinuousClock.now >= next else { return false }
            // Later, one caller measures while the others use the last offset.
            measurement.nextAt = .now + Self.interval
            return true
        }
        guard isDue else { return }
        let (sent, start) = (clock.now(), ContinuousClock.now)
        // Do not retry: the time of the round trip is a part of the measurement.
        guard let reply = try? connection.read(["hello": 1], database: "admin", isRetried: false),
            case .datetime(let server) = reply["localTime"]
        else {
            measurement.withLock { if $0.nextAt != nil { $0.nextAt = .now } }
            return
        }
        let roundTrip = (ContinuousClock.now - start) / .seconds(1)
        let offset = Self.offset(sent: sent, roundTrip: roundTrip, server: server.date)
        let isNews = measurement.withLock { measurement in
            measurement.offset = offset
            measurement.nextAt = .now + Self.interval
            defer { measurement.hasWarned = abs(offset) > Self.tolerance }
            return abs(offset) > Self.tolerance && !measurement.hasWarned
        }
        if isNews {
            telemetry.logger.warning(
                "this machine's clock differs from the server's; commits are recorded by the server's. Set it right",
                [.offset: "\((offset * 10).rounded() / 10) s"])
        }
    }

    /// By how much the server's clock is ahead, when it read `server` at some moment during the round trip. An offset
    /// within the round trip's uncertainty, and the millisecond by which `server` is rounded down, counts as none:
    /// clocks that agree are not corrected.
    package static func offset(sent: Date, roundTrip: TimeInterval, server: Date) -> TimeInterval {
        let uncertainty = roundTrip / 2 + 0.001
        let offset = server.timeIntervalSince(sent) - roundTrip / 2
        return abs(offset) <= uncertainty ? 0 : offset
    }
}
