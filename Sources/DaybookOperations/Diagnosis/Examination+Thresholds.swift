internal import Foundation

extension Examination {
    /// How many of the newest events are checked.
    static var newestEvents: Int { 1_000 }
    /// How many of the newest runs are checked.
    static var newestRuns: Int { 200 }
    /// How long a writer, or the projector after the writer has died, may take for a snapshot.
    static var longestLag: TimeInterval { 10 }
    /// How long a subscription may take to handle an event.
    static var longestDelivery: TimeInterval { 30 }
    /// How long a subscription may be paused before that is a warning.
    static var longestPause: TimeInterval { 3_600 }
    /// How long a mark may take to come back. On a sharded cluster a shard without writes delays the stream by up to
    /// ten seconds: https://www.mongodb.com/docs/manual/administration/change-streams-production-recommendations/
    static var longestMark: Duration { .seconds(11) }
    /// How old a projector's checkpoint may be: it saves one every few seconds.
    static var oldestCheckpoint: TimeInterval { 60 }
    /// A clock that differs from the server's by more is a warning.
    static var smallestClockOffset: TimeInterval { 1 }
    /// A clock that differs by more is a problem.
    static var largestClockOffset: TimeInterval { 5 }
    /// A running run saves its progress more often than this.
    static var longestSilence: TimeInterval { 60 }
}
