@testable import DaybookMongo
import Foundation
import Synchronization
import Testing

/// The same promises with real tasks on real threads.
@Suite("Permits under races")
struct PermitsRaceTests {
    /// What is out, counted by those who hold it.
    private final class Holders: Sendable {
        private struct State {
            var now = [Permits.Kind: Int]()
            var most = 0
            var mostOfOneKind = 0
        }

        private let state = Mutex(State())

        func enter(_ kind: Permits.Kind) {
            state.withLock { state in
                state.now[kind, default: 0] += 1
                state.most = max(state.most, state.now.values.reduce(0, +))
                state.mostOfOneKind = max(state.mostOfOneKind, state.now.values.max() ?? 0)
            }
        }

        func leave(_ kind: Permits.Kind) {
            state.withLock { $0.now[kind, default: 0] -= 1 }
        }

        var most: Int { state.withLock { $0.most } }
        var mostOfOneKind: Int { state.withLock { $0.mostOfOneKind } }
    }

    @Test("1,000 tasks never hold more permits than there are, and all get theirs", arguments: [3, 8])
    func storm(total: Int) async throws {
        let permits = Permits(total: total)
        let holders = Holders()
        try await withThrowingTaskGroup { group in
            for number in 0..<1_000 {
                let kind = Permits.Kind.allCases[number % Permits.Kind.allCases.count]
                group.addTask {
                    try await permits.acquire(kind, timeout: .seconds(600))
                    holders.enter(kind)
                    await Task.yield()
                    holders.leave(kind)
                    permits.release(kind)
                }
            }
            try await group.waitForAll()
        }
        #expect(permits.inUse == 0)
        #expect(holders.most <= total)
        #expect(holders.mostOfOneKind <= total - 2)
        // Without any overlap the test would prove nothing.
        #expect(holders.most > 1)
    }

    @Test("a cancellation that races a grant loses no permit and makes none")
    func cancelAgainstGrant() async throws {
        let permits = Permits(total: 3)
        let waiters = Waiters(permits)
        for round in 0..<3_000 {
            try await permits.acquire(.single, timeout: .seconds(600))
            let waiter = waiters.ask(.single, as: "round \(round)")
            switch round % 3 {
            case 0:
                permits.release(.single)
                waiter.cancel()
            case 1:
                waiter.cancel()
                permits.release(.single)
            default:
                async let cancelled: Void = waiter.cancel()
                async let released: Void = permits.release(.single)
                _ = await (cancelled, released)
            }
            waiters.settle()
            switch await waiter.result {
            case .success:
                // The grant came first: the permit is the waiter's, cancelled or not, and it gives it back.
                try #require(round % 3 != 1)
                try #require(permits.inUse == 1)
                permits.release(.single)
            case .failure(let error):
                try #require(round % 3 != 0)
                try #require(error is CancellationError)
            }
            try #require(permits.inUse == 0, "round \(round)")
        }
        #expect(waiters.take(5, .single) == 1)
    }

    @Test("a cancellation that races the end of the waiting time resumes the waiter once")
    func cancelAgainstTimeout() async throws {
        let permits = Permits(total: 3)
        try await permits.acquire(.single, timeout: .seconds(600))
        for round in 0..<300 {
            let waiter = Task { try await permits.acquire(.single, timeout: .microseconds(200)) }
            for _ in 0..<(round % 8) { await Task.yield() }
            waiter.cancel()
            guard case .failure(let error) = await waiter.result else {
                Issue.record("it got a permit that was not free")
                continue
            }
            #expect(error is CancellationError || (error as? MongoError)?.code == .poolExhausted)
        }
        permits.release(.single)
        #expect(permits.inUse == 0)
    }

    @Test("closing races waiting, and no waiter waits for ever")
    func closeAgainstWaiting() async throws {
        for _ in 0..<300 {
            let permits = Permits(total: 3)
            try await permits.acquire(.single, timeout: .seconds(600))
            let waiters = (0..<3).map { _ in Task { try await permits.acquire(.single, timeout: .seconds(600)) } }
            await Task.yield()
            permits.close()
            for waiter in waiters {
                let error = try await #require(throws: MongoError.self) { try await waiter.value }
                try #require(error.code == .closed)
            }
        }
    }

    @Test("a waiter whose time is over before it is in the queue fails all the same")
    func timeoutAgainstWaiting() async throws {
        let permits = Permits(total: 3)
        try await permits.acquire(.single, timeout: .seconds(600))
        let (ended, outOfTime) = (Counter(), Counter())
        // Threads of their own, so that the pool is free to end the waiting while they are still about to begin it.
        for _ in 0..<4 {
            Thread {
                let executor = StepExecutor()
                for _ in 0..<500 {
                    _ = executor.start {
                        defer { ended.increment() }
                        do {
                            try await permits.acquire(.single, timeout: .zero)
                        } catch let error as MongoError {
                            if error.code == .poolExhausted { outOfTime.increment() }
                        }
                    }
                }
                while ended.value < 2_000 {
                    executor.run()
                    sched_yield()
                }
            }.start()
        }
        // Nobody gives a permit back and nobody has any time, so all end by themselves, or never. Swift's threads come
        // to them when they have done with the tests that run beside this one.
        let deadline = ContinuousClock.now + .seconds(600)
        while ended.value < 2_000, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(1)) }
        permits.close()
        while ended.value < 2_000 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(outOfTime.value == 2_000)
    }
}
