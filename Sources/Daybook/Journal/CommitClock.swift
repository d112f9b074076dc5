public import Foundation

/// Where time and randomness come from; the system's unless a test or a simulation brings its own.
public struct CommitClock: Sendable {
    /// The time.
    public var now: @Sendable () -> Date
    /// 64 random bits.
    public var random: @Sendable () -> UInt64
    /// Whether `now` means the real time, so that it is corrected by what the server's clock says.
    public var followsServer: Bool

    /// A clock of one's own, as for a simulation; the server's time does not matter to it unless it says so.
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

extension CommitClock {
    /// The id of a new commit of at most 2^32 events, larger than each of `previous`.
    ///
    /// The event at index i has the id `commit + i`, so the ids of a commit's events follow from its own, and can be found by them. The id's
    /// time is this clock's, or that of the latest of `previous` where this clock is behind: along an aggregate it never runs backwards,
    /// whatever the writers' clocks say (a hybrid logical clock).
    func nextCommitID(after previous: some Sequence<EventID>) -> EventID {
        let now = EventID.milliseconds(at: self.now())
        // An id that another program made, of another version, has no time to step over.
        guard let last = previous.lazy.filter(\.isVersion7).max(), last.milliseconds >= now else {
            return EventID(milliseconds: now, random: random)
        }
        // Same or later time than ours: step over it, far enough to leave its commit's other ids behind and to stay unlikely to meet a rival's.
        return last.advanced(by: (1 << 32) + (random() & 0xFFFF_FFFF))
            ?? EventID(milliseconds: last.milliseconds + 1, random: random)
    }
}
