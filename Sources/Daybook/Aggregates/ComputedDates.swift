internal import Foundation
internal import Synchronization

/// Whether the `apply` of an aggregate computes dates that are finer than a millisecond, as far as its states have shown.
///
/// Such a state is another one once it was stored and loaded: BSON has milliseconds. So that a writer, a load and a replay agree, every state is
/// what a load of its stored form would give, after each event. Where a state is encoded anyway, that costs nothing; while many events are
/// folded, the states on the way would have to be encoded only for this. Most aggregates compute no such dates, so a sample of those states is
/// looked at, until one shows a date between two milliseconds: from then on it is all of them.
final class ComputedDates: Sendable {
    /// How many states on the way are looked at first.
    private static let first = 256
    /// Behind those, one in so many; a power of two.
    private static let interval: UInt8 = 64

    /// Negative where dates are computed.
    private let left: Atomic<Int>

    /// - Parameter areAssumed: Whether every state on the way is looked at from the beginning.
    init(areAssumed: Bool) {
        left = Atomic(areAssumed ? -1 : Self.first)
    }

    /// Whether a state has shown some.
    var areKnown: Bool { left.load(ordering: .relaxed) < 0 }

    /// A state has shown one.
    func note() { left.store(-1, ordering: .relaxed) }

    /// Whether the state after an event is to be looked at.
    ///
    /// - Parameter sample: As good as random from one event to the next.
    @inline(__always)
    func isDue(_ sample: UInt8) -> Bool {
        let count = left.load(ordering: .relaxed)
        if count == 0 { return sample % Self.interval == 0 }
        if count > 0 { _ = left.compareExchange(expected: count, desired: count - 1, ordering: .relaxed) }
        return true
    }
}
