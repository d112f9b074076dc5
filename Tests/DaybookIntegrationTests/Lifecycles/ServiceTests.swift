@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Logging
import ServiceLifecycle
import Testing

@Suite("The store as a service", .timeLimit(.minutes(2)))
struct ServiceTests {
    enum Ending: CaseIterable, Sendable { case gracefulShutdown, cancellation, close }

    @Test(
        "shutdown drains the store: commits in progress get their outcome and their snapshots, and later ones are refused",
        arguments: Ending.allCases)
    func drains(_ ending: Ending) async throws {
        try await withFaultyTallies { witness, proxy, fixture in
            let store = try DaybookStore(witness.configuration, aggregates: [Tally.self])
            let tallies = store.repository(Tally.self)
            let services = ServiceGroup(
                configuration: .init(services: [.init(service: store)], logger: Logger(label: "test")))
            let run = Task {
                if ending == .close { return }
                // A group that is cancelled says so.
                do { try await services.run() } catch is CancellationError {}
            }
            try await tallies.execute(.deposit(1), on: "warm")
            if ending != .close {
                // The projector is at work when the store is closed.
                let hasLease = try await eventually("the projector has its lease", within: .seconds(20)) {
                    try await !fixture.documents(in: "daybook.leases").isEmpty
                }
                try #require(hasLease)
            }
            proxy.fail("insert", .hold)
            let single = Task { try await tallies.execute(.deposit(2), on: "a") }
            await eventually("the insert is on its way") { proxy.held == 1 }
            let close = Task {
                switch ending {
                case .gracefulShutdown: await services.triggerGracefulShutdown()
                case .cancellation: run.cancel()
                case .close: await store.close()
                }
            }
            let isRefused = try await eventually("new commits are refused", within: .seconds(20)) {
                try await daybookError { try await tallies.execute(.deposit(1), on: "probe") }?.code == .closed
            }
            #expect(isRefused)
            #expect(proxy.held == 1)
            await proxy.release()
            #expect(try await single.value?.versions == 2...2)
            await close.value
            try await run.value
            #expect(try await witness.isCaughtUp("a", Tally.self))
            #expect(try await witness.isCaughtUp("warm", Tally.self))
            #expect(try await daybookError { _ = try await tallies.load("a") }?.code == .closed)
            #expect(try await daybookError { try await store.transaction { _ in } }?.code == .closed)
            // Closing again changes nothing.
            await store.close()
        }
    }

    @Test(
        "closing waits for transactions and for commands of every lifecycle, and writes every snapshot",
        arguments: [1, 2])
    func closeUnderLoad(run: Int) async throws {
        try await withTestStore { witness in
            let store = try DaybookStore(witness.configuration)
            let committed = Recorder<Commit>()
            let load = (0..<12).map { writer in
                Task {
                    do {
                        for number in 0... {
                            switch writer % 4 {
                            case 0:
                                if let commit = try await store.repository(Account.self).execute(
                                    .deposit(1), on: "k-\(writer)")
                                {
                                    committed.record(commit)
                                }
                            case 1:
                                try await store.transaction { transaction in
                                    try await transaction.execute(.deposit(1), on: "t-\(writer)", of: Tally.self)
                                    try await transaction.execute(.deposit(1), on: "t-\(writer)", of: Meter.self)
                                }
                            default:
                                let command: Account.Command =
                                    number.isMultiple(of: 2) ? .deposit(1) : .depositEach([1, 1])
                                if let commit = try await store.repository(Tally.self).execute(
                                    command, on: "k-\(writer)")
                                {
                                    committed.record(commit)
                                }
                            }
                        }
                    } catch {
                        #expect((error as? DaybookError)?.code == .closed)
                    }
                }
            }
            await eventually("all are at work") { committed.all.count > 40 }
            await store.close()
            for task in load { await task.value }
            let events = try await witness.raw.documents(in: "journal")
            for commit in committed.all { #expect(events.contains { $0["_id"] == .binary(BSONBinary(commit.id)) }) }
            for id in Set(events.compactMap { $0.string(at: "aggregateId") }) where id.hasPrefix("tally/") {
                #expect(try await witness.isCaughtUp(String(id.dropFirst(6)), Tally.self), "\(id)")
            }
        }
    }

    @Test("a store without async aggregates runs until the shutdown")
    func idle() async throws {
        try await withTestStore { witness in
            let store = try DaybookStore(witness.configuration)
            let ended = Recorder<Bool>()
            let services = ServiceGroup(
                configuration: .init(services: [.init(service: store)], logger: Logger(label: "test")))
            let run = Task {
                defer { ended.record(true) }
                try await services.run()
            }
            for _ in 1...5 { try await store.repository(Tally.self).execute(.deposit(1), on: "a") }
            #expect(ended.all.isEmpty)
            await services.triggerGracefulShutdown()
            try await run.value
            #expect(try await witness.isCaughtUp("a", Tally.self))
        }
    }
}
