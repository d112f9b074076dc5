internal import Foundation
internal import Synchronization

/// Whether the `apply` of an aggregate has been seen to compute dates that are finer than a millisecond.
///
/// BSON stores milliseconds, so such a state changes when it is stored and loaded. For a writer, a load and a replay to
/// agree, each event must be applied to the state as it would be loaded. Where a state is encoded anyway, this costs
/// nothing. While many events are folded, the intermediate states would have to be encoded only for this. Most
/// aggregates compute no such dates, so only a sample of those states is checked. The first date between two
/// milliseconds makes the check apply to every state from then on.
final class ComputedDates: Sendable {
    /// How many intermediate states are checked at first.
    private static let first = 256
    /// After those, one in this many is checked. A power of two.
    private static let interval: UInt8 = 64

    /// How many checks of the first ones remain. Negative once a state has shown computed dates.
    private let left: Atomic<Int>

    /// - Parameter areAssumed: Whether every intermediate state is checked from the beginning.
    init(areAssumed: Bool) {
        left = Atomic(areAssumed ? -1 : Self.first)
    }

    /// Whether a state has shown computed dates.
    var areKnown: Bool { left.load(ordering: .relaxed) < 0 }

    /// Records that a state has shown a computed date.
    func note() { left.store(-1, ordering: .relaxed) }

    /// Whether the state after an event is to be checked.
    ///
    /// - Parameter sample: A byte that is as good as random from one event to the next.
    @inline(__always)
    func isDue(_ sample: UInt8) -> Bool {
        let count = left.load(ordering: .relaxed)
        if count == 0 { return sample % Self.interval == 0 }
        if count > 0 { _ = left.compareExchange(expected: count, desired: count - 1, ordering: .relaxed) }
        return true
    }
}
