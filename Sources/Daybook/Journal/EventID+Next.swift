internal import Foundation

extension EventID {
    /// The id of a new commit of at most 2^32 events, larger than each of `previous`.
    ///
    /// The event at index i has the id `commit + i`, so the ids of a commit's events follow from the commit's own. The
    /// id's time is `now`, or the latest time of `previous` where that is later. So along an aggregate
    /// time never runs backwards, whatever the writers' clocks say (a hybrid logical clock).
    static func next(
        after previous: some Sequence<EventID>, at now: Date, random: () -> UInt64
    ) -> EventID {
        let now = milliseconds(at: now)
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
