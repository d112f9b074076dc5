internal import Daybook
internal import Foundation
internal import Synchronization

/// The clock of one member's story. The time and random numbers of a commit depend only on its step, however often the
/// commit is tried and whatever other members do in the meantime.
final class StoryClock: Sendable {
    /// The clock of the story that the current task executes.
    @TaskLocal static var current: StoryClock?

    private struct State {
        var time = Date.distantPast
        var seed: UInt64 = 0
        var random = SplitMix(state: 0)
    }

    private let state = Mutex(State())

    /// Sets the clock to a step: the next commit is recorded some milliseconds after `time`.
    func begin(_ seed: UInt64, at time: Date) {
        state.withLock { $0 = State(time: time, seed: seed) }
    }

    /// For a store or a batch that executes only this story.
    var commitClock: CommitClock {
        CommitClock(now: { self.now() }, random: { self.next() })
    }

    /// For a store whose tasks each execute a story.
    static let commitClock = CommitClock(
        now: { current?.now() ?? Date() }, random: { current?.next() ?? UInt64.random(in: .min ... .max) })

    /// Each attempt at a commit reads the time first, and once, so that restarts the random numbers.
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
