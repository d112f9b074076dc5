@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

/// As ``withFaultyStore(_:commitTimeout:_:)``, with one deposit of 1 on the tally `a` and its snapshot written.
func withFaultyTallies<R: Sendable>(
    _ options: [String] = [], commitTimeout: Duration = .seconds(30),
    _ body: (DaybookStore, FaultProxy, DriverFixture) async throws -> R
) async throws -> R {
    try await withFaultyStore(options, commitTimeout: commitTimeout) { store, proxy, fixture in
        try await store.initialize(Tally.self)
        try await store.repository(Tally.self).execute(.deposit(1), on: "a")
        await store.poster.drain()
        proxy.forget()
        return try await body(store, proxy, fixture)
    }
}

@Suite("Group commit on a connection that dies", .timeLimit(.minutes(2)))
struct GroupCommitFaultTests {
    @Test(
        "G2: every member learns its outcome by being sent again, and is in the journal once",
        arguments: [FaultProxy.Fault.dropReply, .dropRequest], [1, 3])
    func resent(fault: FaultProxy.Fault, times: Int) async throws {
        try await withFaultyTallies { store, proxy, fixture in
            let tallies = store.repository(Tally.self)
            proxy.fail("insert", fault, times: times)
            let commits = try await withThrowingTaskGroup(of: Commit?.self) { group in
                for task in 0..<20 { group.addTask { try await tallies.execute(.deposit(2), on: "k-\(task)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(proxy.faults == times)
            let journal = try await fixture.journal().filter { $0.aggregateID.hasPrefix("tally/k-") }
            #expect(journal.count == 20)
            #expect(Set(commits.compactMap { $0?.id }) == Set(journal.map(\.commitID)))
        }
    }

    @Test("G1: a rival that came first while the outcome was open is a conflict, not a commit", arguments: [1, 3])
    func rival(times: Int) async throws {
        try await withFaultyTallies { store, proxy, fixture in
            proxy.fail("insert", .dropRequest, times: times)
            let lost = Task {
                try await store.repository(Tally.self).append([.deposited(amount: 7)], to: "a", expecting: 1)
            }
            await eventually("the insert is lost") { proxy.faults >= 1 }
            let other = try await withDaybook(DaybookConfiguration(uri: TestServer.uri, database: fixture.database)) {
                other in
                try? await other.repository(Tally.self).append([.deposited(amount: 8)], to: "a", expecting: 1)
            }
            let error = try await daybookError { _ = try await lost.value }
            // Whoever came first, the other one was told so.
            #expect((error == nil) != (other != nil))
            if let error { #expect(error.code == .conflict) }
            let amounts = try await fixture.journal().filter { $0.aggregateID == "tally/a" }.map(\.amount)
            #expect(amounts == [1, error == nil ? 7 : 8])
        }
    }

    @Test(
        "G3: a group commit without an answer is outcomeUnknown at the deadline, and repeating the command takes effect once",
        arguments: [FaultProxy.Fault.dropReply, .dropRequest])
    func deadline(fault: FaultProxy.Fault) async throws {
        try await withFaultyTallies(commitTimeout: .milliseconds(300)) { store, proxy, fixture in
            let tallies = store.repository(Tally.self)
            proxy.fail("insert", fault, times: .max)
            let error = try await daybookError { try await tallies.execute(.deposit(2), on: "a", commandID: "c") }
            #expect(error?.code == .outcomeUnknown)
            #expect(error?.aggregateID == "tally/a")
            #expect(error?.version == 2)
            let landed = try await fixture.journal().count { $0.aggregateID == "tally/a" } == 2
            #expect(landed == (fault == .dropReply))
            proxy.heal()
            #expect(try await tallies.execute(.deposit(2), on: "a", commandID: "c")?.versions == 2...2)
            #expect(try await fixture.journal().filter { $0.aggregateID == "tally/a" }.map(\.amount) == [1, 2])
        }
    }

    @Test(
        "an insert that is refused for good while its outcome is open is tried with growing pauses, not in a busy loop")
    func pauses() async throws {
        try await withFaultyTallies(commitTimeout: .seconds(2)) { store, proxy, fixture in
            let error = try await fixture.withFailPoint { failPoint in
                try await failPoint.set(.always, ["insert"], ["errorCode": 50])
                return try await daybookError { try await store.repository(Tally.self).execute(.deposit(2), on: "a") }
            }
            #expect(error?.code == .outcomeUnknown)
            // Pauses of 100 ms at most, after the first few: 2 s have room for some 35.
            #expect(proxy.count("insert") >= 1)
            #expect(proxy.count("insert") < 60)
        }
    }

    @Test("a commit that is cancelled before its insert was sent writes nothing; after that it waits for its outcome")
    func cancellation() async throws {
        try await withFaultyTallies { store, proxy, fixture in
            let tallies = store.repository(Tally.self)
            proxy.fail("insert", .hold, times: 2)
            // One after the other: of two that come at the same time one insert may carry both.
            var flying: [Task<Commit?, any Error>] = []
            for (index, key) in ["x", "y"].enumerated() {
                flying.append(Task { try await tallies.execute(.deposit(5), on: key) })
                try #require(await eventually("its insert is on its way") { proxy.held == index + 1 })
            }
            let waiting = Task { try await tallies.execute(.deposit(5), on: "z") }
            try #require(await eventually("the third waits for its turn") { store.committer.group.waitingCount == 1 })
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            flying[0].cancel()
            #expect(proxy.held == 2)
            await proxy.release()
            for task in flying { #expect(try await task.value?.version == 1) }
            let journal = try await fixture.journal().map(\.aggregateID).filter { $0.hasPrefix("tally/") }
            #expect(journal == ["tally/a", "tally/x", "tally/y"])
            await #expect(throws: CancellationError.self) {
                try await Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await tallies.execute(.deposit(5), on: "z")
                }.value
            }
            #expect(try await tallies.load("z").version == 0)
        }
    }

    @Test(
        "G3: a commit that is sent again after no answer is not withdrawn by a cancellation: it may be in the journal")
    func cancellationOfResent() async throws {
        try await withFaultyTallies { store, proxy, fixture in
            let loader = store.repository(Tally.self).loader
            let loaded = Loaded(fold: Fold<Tally>(try AggregateID("tally", key: "z"), loader.coding), basis: .read(nil))
            var fold = loaded.fold
            var change = AggregateChange(loaded, of: loader)
            try change.append(
                try [Tally.Event.deposited(amount: 5)].map(loader.coding.encode), command: .anonymous, folding: &fold)
            let commit = try PreparedCommit([change], at: store.clock.now(), random: store.clock.random)
            proxy.fail("insert", .hold, times: 2)
            let tallies = store.repository(Tally.self)
            var flying: [Task<Commit?, any Error>] = []
            for (index, key) in ["x", "y"].enumerated() {
                flying.append(Task { try await tallies.execute(.deposit(5), on: key) })
                try #require(await eventually("its insert is on its way") { proxy.held == index + 1 })
            }
            let resent = Task { await store.committer.group.append(commit, isResent: true) }
            try #require(await eventually("it waits for its turn") { store.committer.group.waitingCount == 1 })
            resent.cancel()
            #expect(store.committer.group.waitingCount == 1)
            await proxy.release()
            for task in flying { _ = try await task.value }
            guard case .committed = await resent.value else {
                Issue.record("it was withdrawn")
                return
            }
            #expect(try await fixture.journal().count { $0.aggregateID == "tally/z" } == 1)
        }
    }

    @Test("G2: a refusal of what is sent again does not end it: the first insert may be in the journal")
    func refusedWhenResent() async throws {
        try await withFaultyTallies { store, proxy, fixture in
            // The driver sends an insert twice by itself.
            proxy.fail("insert", .dropReply, times: 2)
            proxy.fail("insert", .error(13))
            let commit = try await store.repository(Tally.self).execute(.deposit(2), on: "a")
            #expect(proxy.faults == 3)
            #expect(commit?.versions == 2...2)
            #expect(try await fixture.journal().filter { $0.aggregateID == "tally/a" }.map(\.amount) == [1, 2])
        }
    }

    @Test("a flight without a connection leaves its commits to the one that has, and none fails with poolExhausted")
    func fewConnections() async throws {
        try await withFaultyTallies(["maxPoolSize=4"]) { store, proxy, _ in
            var configuration = store.configuration
            configuration.connectionTimeout = .milliseconds(300)
            try await withDaybook(configuration) { store in
                let tallies = store.repository(Tally.self)
                for key in ["a", "b"] { try await tallies.execute(.deposit(1), on: key) }
                await store.poster.drain()
                // Single operations may use two of four; one of those is taken.
                let (taken, end) = (Recorder<Int>(), Signal())
                async let holder: Void = store.client.withConnection(.single) { _ in
                    taken.record(1)
                    await end.wait()
                }
                #expect(await eventually("one is taken") { !taken.all.isEmpty })
                proxy.fail("insert", .hold)
                async let first = tallies.execute(.deposit(1), on: "a")
                #expect(await eventually("the first is on its way") { proxy.held == 1 })
                async let second = tallies.execute(.deposit(1), on: "b")
                #expect(await eventually("the second waits") { store.committer.group.flightCount == 2 })
                #expect(await eventually("the second flight is over") { store.committer.group.flightCount == 1 })
                await proxy.release()
                // `a` had one deposit before.
                #expect(try await first?.version == 3)
                #expect(try await second?.version == 2)
                end.send()
                try await holder
            }
        }
    }

    @Test("loads come through beside commits that never end, with the fewest connections")
    func loadsBesideCommits() async throws {
        try await withTestStore(configure: {
            $0.uri = (try? ServerAddress($0.uri).adding(["maxPoolSize=4"]).uri) ?? $0.uri
            $0.connectionTimeout = .seconds(2)
        }) { store in
            let tallies = store.repository(Tally.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<40 {
                    group.addTask {
                        for _ in 0..<10 { try await tallies.execute(.deposit(1), on: "w-\(writer)") }
                    }
                }
                for reader in 0..<4 {
                    group.addTask {
                        for _ in 0..<20 { _ = try await tallies.load("r-\(reader)") }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await tallies.load("w-39").version == 10)
        }
    }
}
