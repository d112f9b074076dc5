@testable import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Testing

@Suite("Contention", .timeLimit(.minutes(2)))
struct ContentionTests {
    @Test("writers of two processes on one inline aggregate are not taken for something other than commits")
    func noFalseAlarm() async throws {
        let lines = LogRecorder()
        try await withTestStore(configure: { $0.logger = lines.logger }) { store in
            try await withDaybook(store.configuration) { other in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<60 {
                        let accounts = (task.isMultiple(of: 2) ? store : other).repository(Account.self)
                        group.addTask { try await accounts.execute(.deposit(1), on: "a") }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try await store.repository(Account.self).load("a").state.balance == 60)
            #expect(try await store.isCaughtUp("a", Account.self))
        }
        #expect(lines.texts.filter { $0.contains("something other than a commit") } == [])
    }

    @Test(
        "a commit between the two reads of a load costs no further round trip: what it has written is known without a look"
    )
    func rivalBetweenReads() async throws {
        try await withFaultyStore(keepsAggregates: false) { store, proxy, fixture in
            let accounts = store.repository(Account.self)
            proxy.fail("find", .hold, skip: 1)
            async let commit = accounts.execute(.deposit(1), on: "a")
            #expect(await eventually("the journal is about to be read") { proxy.held == 1 })
            // Not through the proxy.
            let configuration = DaybookConfiguration(uri: try fixture.uri(), database: fixture.database)
            _ = try await withDaybook(configuration) {
                try await $0.repository(Account.self).execute(.deposit(1), on: "a")
            }
            await proxy.release()
            #expect(try await commit?.version == 3)
            #expect(proxy.exchanges.map(\.command) == ["find", "find", "bulkWrite", "commitTransaction"])
            #expect(try await store.isCaughtUp("a", Account.self))
        }
    }

    @Test(
        "with less than a majority's acknowledgement no event follows one that an election has taken back",
        arguments: [1, 2])
    func lostAcknowledgement(events: Int) async throws {
        try await withTestStore(configure: {
            $0.uri = (try? ServerAddress($0.uri).adding(["w=1"]).uri) ?? $0.uri
        }) { store in
            func commit<A: Ledger>(_ aggregate: A.Type) async throws {
                let ledger = store.repository(A.self)
                for _ in 1...3 { try await ledger.execute(.deposit(1), on: "a") }
                await store.poster.drain()
                try await store.raw.delete(["aggregateId": .string("\(A.type)/a"), "version": 3], from: "journal")
                let commit = try await ledger.execute(.depositEach(Array(repeating: 1, count: events)), on: "a")
                #expect(commit?.versions == 3...(2 + Int64(events)), "\(A.self)")
                #expect(try await ledger.load("a").state.balance == 2 + events)
            }
            try await commit(Tally.self)
            try await commit(Meter.self)
        }
    }
}
