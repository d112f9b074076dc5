public import Foundation

/// The source of time and randomness: the system's, unless a test or a simulation injects its own.
public struct CommitClock: Sendable {
    /// The time.
    public var now: @Sendable () -> Date
    /// 64 random bits.
    public var random: @Sendable () -> UInt64
    /// Whether `now` means the real time, so that it is corrected to the server's clock.
    public var followsServer: Bool

    /// A custom clock, as for a simulation. It is not corrected to the server's time unless `followsServer`.
    public init(
        now: @escaping @Sendable () -> Date, random: @escaping @Sendable () -> UInt64, followsServer: Bool = false
    ) {
        self.now = now
        self.random = random
        self.followsServer = followsServer
    }

    /// The system's clock, corrected to the server's, and the system's random numbers.
    public static let system = CommitClock(
        now: { Date() }, random: { UInt64.random(in: .min ... .max) }, followsServer: true)
}
