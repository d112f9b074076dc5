@testable import DaybookMongo
import Foundation
import Testing

@Suite("ConnectionThread")
struct ConnectionThreadTests {
    @Test("jobs run in the order in which they came, on one thread")
    func order() async {
        let worker = Worker()
        for task in await worker.appendEach(0..<1_000) { await task.value }
        #expect(await worker.numbers == Array(0..<1_000))
        #expect(await worker.threadCount == 1)
    }

    @Test("two connections have two threads")
    func ownThread() async {
        let (first, second) = (Worker(), Worker())
        #expect(await first.run { "\(Thread.current)" } != second.run { "\(Thread.current)" })
    }

    @Test("10,000 jobs from many tasks all run, one at a time")
    func manyTasks() async {
        let worker = Worker()
        await withTaskGroup { group in
            for task in 0..<100 {
                group.addTask {
                    for job in 0..<100 { await worker.append(task * 100 + job) }
                }
            }
        }
        let numbers = await worker.numbers
        #expect(numbers.count == 10_000)
        #expect(Set(numbers) == Set(0..<10_000))
        // Each task waits for its job before the next, so its own numbers are in order.
        for task in 0..<100 {
            let own = numbers.filter { $0 / 100 == task }
            #expect(own == own.sorted())
        }
        #expect(await worker.threadCount == 1)
    }

    @Test("a job that blocks keeps no other connection from its work")
    func blocking() async {
        let gate = DispatchSemaphore(value: 0)
        let blocked = (0..<8).map { _ in Worker() }
        let waiting = blocked.map { worker in Task { await worker.run { gate.wait() } } }
        let free = Worker()
        await free.append(1)
        #expect(await free.numbers == [1])
        for _ in blocked { gate.signal() }
        for task in waiting { await task.value }
    }

    #if os(Linux)
        @Test("the system sees the thread by its name")
        func name() async throws {
            let worker = Worker(name: "daybook-7")
            let name = await worker.run { try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8) }
            #expect(name == "daybook-7\n")
        }

        @Test("the thread ends when it is stopped, after the jobs that were there, and leaves nothing")
        func end() async throws {
            weak var gone: Worker?
            let thread: String
            do {
                let worker = Worker()
                gone = worker
                thread = try #require(await worker.thread)
                #expect(isAlive(thread))
                for task in await worker.appendEach(0..<1_000) { await task.value }
                #expect(await worker.numbers.count == 1_000)
            }
            #expect(await hasEnded([thread]))
            #expect(gone == nil)
        }

        @Test("a hundred connections that are opened and closed leave no thread")
        func comeAndGo() async throws {
            var threads: [String] = []
            for _ in 0..<100 { threads.append(try #require(await Worker().thread)) }
            #expect(await hasEnded(threads))
        }

        @Test("a thread that was stopped without ever having a job ends too")
        func neverUsed() async throws {
            weak var gone: ConnectionThread?
            do {
                let thread = ConnectionThread(name: "idle")
                gone = thread
                thread.stop()
            }
            // The thread holds the executor until it ends.
            let deadline = ContinuousClock.now + .seconds(20)
            while gone != nil, ContinuousClock.now < deadline { await Task.yield() }
            #expect(gone == nil)
        }

        private func isAlive(_ thread: String) -> Bool {
            FileManager.default.fileExists(atPath: "/proc/self/task/\(thread)")
        }

        /// Nobody is told when a thread has ended. The time is for machines on their knees.
        private func hasEnded(_ threads: [String]) async -> Bool {
            let deadline = ContinuousClock.now + .seconds(20)
            while threads.contains(where: isAlive), ContinuousClock.now < deadline { await Task.yield() }
            return !threads.contains(where: isAlive)
        }
    #endif
}

extension Worker {
    /// The number by which Linux knows its thread.
    fileprivate var thread: String? {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self"))?.split(separator: "/").last
            .map(
                String.init)
    }
}
