@testable import DaybookMongo
import Synchronization
import Testing

@Suite("Permits")
struct PermitsTests {
    @Test("one kind alone takes all but one permit for each other kind", arguments: Permits.Kind.allCases, [3, 4, 16])
    func reserves(kind: Permits.Kind, total: Int) {
        let permits = Permits(total: total)
        #expect(Waiters(permits).take(total + 5, kind) == total - 2)
        #expect(permits.inUse == total - 2)
    }

    @Test("a kind that takes all it may leaves the others a permit each", arguments: Permits.Kind.allCases)
    func othersFindTheirs(greedy: Permits.Kind) {
        let permits = Permits(total: 8)
        let waiters = Waiters(permits)
        #expect(waiters.take(100, greedy) == 6)
        for other in Permits.Kind.allCases where other != greedy {
            #expect(waiters.take(2, other) == 1, "\(other)")
        }
        #expect(permits.inUse == 8)
    }

    @Test("the reserve of a kind that uses permits already is free for the others")
    func reserveInUse() {
        let permits = Permits(total: 5)
        let waiters = Waiters(permits)
        #expect(waiters.take(1, .cursor) == 1)
        #expect(waiters.take(1, .transaction) == 1)
        #expect(waiters.take(9, .single) == 3)
    }

    @Test("there are never fewer permits than kinds", arguments: [-1, 0, 1, 2])
    func fewest(total: Int) {
        let permits = Permits(total: total)
        let waiters = Waiters(permits)
        #expect(permits.total == 3)
        for kind in Permits.Kind.allCases { #expect(waiters.take(2, kind) == 1) }
    }

    @Test("waiters are served in the order in which they came")
    func firstComeFirstServed() {
        let permits = Permits(total: 4)
        let waiters = Waiters(permits)
        #expect(waiters.take(2, .single) == 2)
        for number in 1...5 { waiters.ask(.single, as: "waiter \(number)") }
        let before = waiters.granted.count
        for number in 1...5 {
            permits.release(.single)
            #expect(Array(waiters.granted.dropFirst(before)) == (1...number).map { "waiter \($0)" })
        }
    }

    @Test("a permit goes to the longest waiting of the kinds that may have it")
    func acrossKinds() {
        let permits = Permits(total: 4)
        let waiters = Waiters(permits)
        // One of each, and the permit that is nobody's reserve.
        #expect(waiters.take(2, .single) == 2)
        #expect(waiters.take(1, .transaction) == 1)
        #expect(waiters.take(1, .cursor) == 1)
        waiters.ask(.cursor, as: "cursor")
        waiters.ask(.transaction, as: "transaction")
        waiters.ask(.single, as: "single")
        let before = waiters.granted.count
        // The reserve of transactions comes back: the cursor has waited longer, but may not have it.
        permits.release(.transaction)
        #expect(Array(waiters.granted.dropFirst(before)) == ["transaction"])
        // The shared permit comes back.
        permits.release(.single)
        #expect(Array(waiters.granted.dropFirst(before)) == ["transaction", "cursor"])
        permits.release(.cursor)
        #expect(Array(waiters.granted.dropFirst(before)) == ["transaction", "cursor", "single"])
        #expect(permits.inUse == 4)
    }

    @Test("a newcomer does not overtake a waiter that has just been granted a permit")
    func noOvertaking() {
        let permits = Permits(total: 3)
        let waiters = Waiters(permits)
        #expect(waiters.take(1, .single) == 1)
        waiters.ask(.single, as: "first")
        // The grant is made, the task has not run yet: the newcomer asks in between.
        permits.release(.single)
        let late = waiters.ask(.single, as: "late")
        #expect(!waiters.granted.contains("late"))
        late.cancel()
        #expect(waiters.granted.contains("first"))
    }

    @Test("a waiter whose time is over fails with poolExhausted, and no permit is lost")
    func timeout() async throws {
        let permits = Permits(total: 3)
        let waiters = Waiters(permits)
        #expect(waiters.take(1, .transaction) == 1)
        let error = await #expect(throws: MongoError.self) {
            try await permits.acquire(.transaction, timeout: .milliseconds(1))
        }
        #expect(error?.code == .poolExhausted)
        #expect(error?.message.contains("transaction") == true)
        #expect(error?.message.contains("maxPoolSize") == true)
        permits.release(.transaction)
        #expect(permits.inUse == 0)
        try await permits.acquire(.transaction, timeout: .milliseconds(1))
        #expect(permits.inUse == 1)
    }

    @Test("a waiter whose time is over leaves its place to the next")
    func timedOutInTheQueue() async throws {
        let permits = Permits(total: 3)
        let waiters = Waiters(permits)
        #expect(waiters.take(1, .single) == 1)
        let hasty = Task { try await permits.acquire(.single, timeout: .milliseconds(1)) }
        _ = await hasty.result
        waiters.ask(.single, as: "patient")
        permits.release(.single)
        #expect(waiters.granted.last == "patient")
        #expect(permits.inUse == 1)
    }

    @Test("a free permit is granted even with no time to wait")
    func noTimeNeeded() async throws {
        let permits = Permits(total: 3)
        try await permits.acquire(.cursor, timeout: .zero)
        #expect(permits.inUse == 1)
    }

    @Test("a waiter that is cancelled gets CancellationError and leaves the queue")
    func cancelledWhileWaiting() async {
        let permits = Permits(total: 3)
        let waiters = Waiters(permits)
        #expect(waiters.take(1, .cursor) == 1)
        let first = waiters.ask(.cursor, as: "first")
        waiters.ask(.cursor, as: "second")
        first.cancel()
        waiters.settle()
        await #expect(throws: CancellationError.self) { try await first.value }
        permits.release(.cursor)
        #expect(waiters.granted.last == "second")
        #expect(permits.inUse == 1)
    }

    @Test("a task that is cancelled already takes no permit")
    func cancelledBefore() async {
        let permits = Permits(total: 3)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await permits.acquire(.single, timeout: .seconds(600))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(permits.inUse == 0)
    }

    @Test("closing refuses all waiters and newcomers, and permits can still be released")
    func close() async {
        let permits = Permits(total: 3)
        let waiters = Waiters(permits)
        for kind in Permits.Kind.allCases { #expect(waiters.take(1, kind) == 1) }
        let tasks = Permits.Kind.allCases.flatMap { kind in (0..<3).map { waiters.ask(kind, as: "\(kind) \($0)") } }
        permits.close()
        waiters.settle()
        for task in tasks {
            let error = await #expect(throws: MongoError.self) { try await task.value }
            #expect(error?.code == .closed)
        }
        let error = await #expect(throws: MongoError.self) { try await permits.acquire(.single, timeout: .zero) }
        #expect(error?.code == .closed)
        for kind in Permits.Kind.allCases { permits.release(kind) }
        #expect(permits.inUse == 0)
    }
}
