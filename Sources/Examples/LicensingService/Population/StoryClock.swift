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
