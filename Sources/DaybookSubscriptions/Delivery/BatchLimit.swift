internal import Synchronization

/// How many events one transaction handles at most.
///
/// Where processes write the same documents, the longest transaction loses to the others again and again. So after a
/// conflict it is half as long, and a little longer again with each success.
final class BatchLimit: Sendable {
    private let maximum: Int
    private let limit: Mutex<Int>

    init(maximum: Int = .max) {
        self.maximum = maximum
        limit = Mutex(maximum)
    }

    var events: Int { limit.withLock { $0 } }

    /// An attempt with so many events has met another writer.
    func shrink(after events: Int) {
        limit.withLock { $0 = max(1, events / 2) }
    }

    /// An attempt has succeeded.
    func grow() {
        limit.withLock { $0 = $0 > maximum / 2 ? maximum : min(maximum, $0 + $0 / 4 + 1) }
    }
}
