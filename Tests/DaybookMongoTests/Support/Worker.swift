@testable import DaybookMongo
import Foundation

/// An actor on a ``ConnectionThread``, as `MongoConnection` is one.
actor Worker {
    private let thread: ConnectionThread
    private(set) var numbers: [Int] = []
    private var threads: Set<String> = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(name: String = "worker") {
        thread = ConnectionThread(name: name)
    }

    isolated deinit {
        thread.stop()
    }

    /// On how many threads its jobs have run.
    var threadCount: Int { threads.count }

    func append(_ number: Int) {
        threads.insert("\(Thread.current)")
        numbers.append(number)
    }

    /// Enqueues jobs, each of which appends its number: a task that belongs to this actor is enqueued here when it is
    /// made.
    func appendEach(_ range: Range<Int>) -> [Task<Void, Never>] {
        range.map { number in Task { self.append(number) } }
    }

    func run<R: Sendable>(_ body: @Sendable () -> R) -> R { body() }
}
