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

extension CommitClock {
    /// The id of a new commit of at most 2^32 events, larger than each of `previous`.
    ///
    /// The event at index i has the id `commit + i`, so the ids of a commit's events follow from the commit's own. The
    /// id's time is this clock's, or the latest time of `previous` when this clock is behind that. So along an
    /// aggregate time never runs backwards, whatever the writers' clocks say (a hybrid logical clock).
    func nextCommitID(after previous: some Sequence<EventID>) -> EventID {
        let now = EventID.milliseconds(at: self.now())
        // An id that another program made may be of another version, and then has no time.
        guard let last = previous.lazy.filter(\.isVersion7).max(), last.milliseconds >= now else {
            return EventID(milliseconds: now, random: random)
        }
        // The last id has the same time as ours or a later one. Advance it beyond all ids of its commit, and by a
        // random distance, so that a rival's id is unlikely to be the same.
        return last.advanced(by: (1 << 32) + (random() & 0xFFFF_FFFF))
            ?? EventID(milliseconds: last.milliseconds + 1, random: random)
    }
}
