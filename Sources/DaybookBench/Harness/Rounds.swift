internal import Synchronization

/// Names the rounds of a case, so that each writes to aggregates of its own.
final class Rounds: Sendable {
    private let name: String
    private let count = Mutex(0)

    /// - Parameter name: The case's, whatever is in it.
    init(_ name: String) {
        self.name = String(name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }

    /// Begins a new one.
    func next() -> String {
        count.withLock { $0 += 1 }
        return current
    }

    var current: String { named("\(count.withLock { $0 })") }

    /// One that is not counted.
    func named(_ round: String) -> String { "\(name)-\(round)" }
}
