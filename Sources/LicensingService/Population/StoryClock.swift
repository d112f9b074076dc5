internal import Daybook
internal import Foundation
internal import Synchronization

/// The clock of one member's story. Time and randomness of a commit follow from its step alone, however often the commit is tried, and
/// whatever other members do meanwhile.
final class StoryClock: Sendable {
    /// That of the story which the running task tells.
    @TaskLocal static var current: StoryClock?

    private struct State {
        var time = Date.distantPast
        var seed: UInt64 = 0
        var random = SplitMix(state: 0)
    }

    private let state = Mutex(State())

    /// Sets it to a step: the next commit is recorded some milliseconds after `time`.
    func begin(_ seed: UInt64, at time: Date) {
        state.withLock { $0 = State(time: time, seed: seed) }
    }

    /// For a store or a batch of this story alone.
    var commitClock: CommitClock {
        CommitClock(now: { self.now() }, random: { self.next() })
    }

    /// For a store whose tasks each tell a story.
    static let commitClock = CommitClock(
        now: { current?.now() ?? Date() }, random: { current?.next() ?? UInt64.random(in: .min ... .max) })

    /// Every attempt of a commit asks for the time first, and once: it begins the random numbers anew.
    private func now() -> Date {
        state.withLock { state in
            state.random = SplitMix(state: state.seed)
            return state.time + Double(state.random.next() % 400) / 1000
        }
    }

    private func next() -> UInt64 {
        state.withLock { $0.random.next() }
    }
}

/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c): small, fast, and the same numbers everywhere for one seed.
struct SplitMix: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A generator of its own for each number.
    static func derived(from seed: UInt64, _ number: Int) -> SplitMix {
        var mixed = SplitMix(state: seed)
        return SplitMix(state: mixed.next() ^ (UInt64(number) &* 0xD1B5_4A32_D192_ED03))
    }

    /// True with this probability.
    mutating func chance(_ probability: Double) -> Bool { Double(next() >> 11) < probability * 0x1p53 }

    /// The same number in every run and on every machine: the standard library's algorithm may change with its version.
    mutating func number(_ range: Range<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }

    /// A time in this many minutes.
    mutating func minutes(_ range: Range<Int>) -> TimeInterval { Double(number(range)) * 60 + Double(number(0..<60)) }
}
