import Daybook
import DaybookBSON
import DaybookMongo
import DaybookTesting
import Foundation
import IntegrationSupport
import Testing

@Suite("withTemporaryStore")
struct TemporaryStoreTests {
    private func databases() async throws -> Set<String> {
        let list = try await withTestStore {
            try await $0.raw.client.withConnection(.single) { try $0.read(["listDatabases": 1], database: "admin") }
        }
        return Set(list.documents(at: "databases").compactMap { $0.string(at: "name") })
    }

    @Test("withTemporaryStore makes a prepared database of its own, with the given clock, and drops it")
    func lifetime() async throws {
        let clock = SimulatedClock()
        var configured: DaybookConfiguration?
        let name = try await withTemporaryStore(
            aggregates: [Account.self],
            configure: { configuration in
                configuration.clock = clock.commitClock
                configuration.database = "daybook-production"
                configured = configuration
            }
        ) { store in
            #expect(store.database.hasPrefix("test-"))
            let accounts = store.repository(Account.self)
            try await accounts.execute(.deposit(5), on: "A-1")
            clock.advance(by: .seconds(60))
            try await accounts.execute(.deposit(5), on: "A-1")
            let loaded = try await accounts.load("A-1")
            #expect(loaded.createdAt == SimulatedClock.start)
            #expect(loaded.updatedAt == SimulatedClock.start.addingTimeInterval(60))
            #expect(try await databases().contains(store.database))
            return store.database
        }
        #expect(configured != nil)
        #expect(try await !databases().contains(name))
        #expect(try await !databases().contains("daybook-production"))
    }

    @Test("withTemporaryStore drops the database when the body throws, and when its task was cancelled")
    func failingBody() async throws {
        struct Own: Error {}
        var name = ""
        await #expect(throws: Own.self) {
            try await withTemporaryStore(aggregates: [Account.self]) { store in
                name = store.database
                throw Own()
            }
        }
        #expect(try await !databases().contains(name))

        let cancelled = await Task {
            var name = ""
            await #expect(throws: CancellationError.self) {
                try await withTemporaryStore(aggregates: [Account.self]) { store in
                    name = store.database
                    withUnsafeCurrentTask { $0?.cancel() }
                    try Task.checkCancellation()
                }
            }
            return name
        }.value
        #expect(!cancelled.isEmpty)
        #expect(try await !databases().contains(cancelled))
    }

    @Test("a body that closes the store does not keep the database")
    func closedStore() async throws {
        let name = try await withTemporaryStore(aggregates: [Account.self]) { store in
            await store.close()
            return store.database
        }
        #expect(try await !databases().contains(name))
    }
}
