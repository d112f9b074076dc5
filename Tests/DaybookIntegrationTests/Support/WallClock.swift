import Daybook
import Foundation
import Synchronization

/// A clock that a test sets.
final class WallClock: Sendable {
    private let shown: Mutex<Date>

    init(_ date: Date) {
        shown = Mutex(date)
    }

    var date: Date {
        get { shown.withLock { $0 } }
        set { shown.withLock { $0 = newValue } }
    }

    /// As of a simulation: the server's time does not matter.
    var clock: CommitClock { CommitClock(now: { self.date }, random: { .random(in: .min ... .max) }) }
}
