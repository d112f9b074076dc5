@testable import DaybookMongo
import Synchronization

/// Tasks that ask for permits one after the other, and a list of those that got theirs, in that order.
final class Waiters: Sendable {
    let permits: Permits
    private let executor = StepExecutor()
    private let names = Mutex<[String]>([])

    init(_ permits: Permits) {
        self.permits = permits
    }

    /// The names of all that were granted so far.
    var granted: [String] {
        executor.run()
        return names.withLock { $0 }
    }

    /// Asks for a permit; when this returns it is granted, refused or waited for.
    @discardableResult
    func ask(_ kind: Permits.Kind, as name: String, timeout: Duration = .seconds(600)) -> Task<Void, any Error> {
        executor.start { [self] in
            try await permits.acquire(kind, timeout: timeout)
            names.withLock { $0.append(name) }
        }
    }

    /// Asks for `count` permits of a kind at once and tells how many were granted without waiting. Those that wait are
    /// cancelled.
    func take(_ count: Int, _ kind: Permits.Kind) -> Int {
        let before = permits.inUse
        let tasks = (0..<count).map { ask(kind, as: "\(kind) \($0)") }
        for task in tasks { task.cancel() }
        executor.run()
        return permits.inUse - before
    }

    /// Lets every task go on that can.
    func settle() {
        executor.run()
    }
}
