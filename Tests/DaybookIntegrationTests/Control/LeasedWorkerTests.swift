@testable import Daybook
import DaybookBSON
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("Work under a lease", .timeLimit(.minutes(1)))
struct LeasedWorkerTests {
    private static let name = "snapshots.tally"

    private struct Failed: Error {}

    private func acquire(_ store: DaybookStore) async throws -> Lease {
        try #require(
            try await store.client.withConnection(.single) {
                try Lease.acquire(Self.name, holder: "host:1", in: store.database, on: $0)
            })
    }

    private func end(_ store: DaybookStore) async throws -> Date {
        guard case .datetime(let end) = try await store.raw.document(in: "daybook.leases", id: Self.name)?["expiresAt"]
        else {
            throw RawDatabase.NoMatch()
        }
        return end.date
    }

    @Test("has its lease while it runs, and none after it, whether it succeeds, fails or is cancelled")
    func releases() async throws {
        try await withTestStore { store in
            let worker = LeasedWorker(client: store.client, database: store.database)
            let result = try await worker.run(holding: [try await acquire(store)]) { held in
                #expect(try await end(store) > Date() + 5)
                try await held.require()
                return 7
            }
            #expect(result == 7)
            #expect(try await end(store) <= Date() + 1)
            let failing = try await acquire(store)
            await #expect(throws: Failed.self) { try await worker.run(holding: [failing]) { _ in throw Failed() } }
            #expect(try await end(store) <= Date() + 1)
            let cancelled = try await acquire(store)
            let work = Task {
                try await worker.run(holding: [cancelled]) { _ in try await Task.sleep(for: .seconds(3_600)) }
            }
            work.cancel()
            await #expect(throws: CancellationError.self) { try await work.value }
            #expect(try await end(store) <= Date() + 1)
        }
    }

    @Test("ends when another process has acquired the lease, and leaves that one alone")
    func lost() async throws {
        try await withTestStore { store in
            let worker = LeasedWorker(client: store.client, database: store.database)
            let lease = try await acquire(store)
            let error = try await daybookError {
                try await worker.run(holding: [lease]) { held in
                    try await store.raw.put(
                        [
                            "_id": .string(Self.name), "holder": "host:2", "epoch": .int64(lease.epoch + 1),
                            "expiresAt": .datetime(try BSONDate(Date() + 600)),
                        ], into: "daybook.leases")
                    let error = try await daybookError { try await held.renew() }
                    #expect(error?.underlying is LeaseLost)
                    // The renewal beside it finds the same, and ends it.
                    try await Task.sleep(for: .seconds(3_600))
                }
            }
            #expect(error?.code == .conflict)
            #expect(error?.underlying is LeaseLost)
            #expect(try await end(store) > Date() + 300)
        }
    }
}
