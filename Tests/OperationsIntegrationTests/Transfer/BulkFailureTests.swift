@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import DaybookTesting
import Foundation
import IntegrationSupport
import Testing

@Suite("A bulk load of several tasks", .serialized, .timeLimit(.minutes(2)))
struct BulkFailureTests {
    private func batch(_ key: String, _ count: Int, seed: UInt64) async throws -> BulkBatch {
        let clock = SimulatedClock(at: Date(timeIntervalSince1970: 1_750_000_000), seed: seed)
        let batch = BulkBatch(clock: clock.commitClock)
        for _ in 0..<count {
            try await batch.transaction { transaction in
                try await transaction.execute(
                    .deposit(1), on: key, of: Account.self, expecting: nil, commandID: nil, at: clock.now)
            }
            clock.advance(by: .milliseconds(7))
        }
        return batch
    }

    @Test("a bulk load loses nothing of one task when the write of another fails: the next call writes it")
    func fails() async throws {
        try await withDriverFixture { fixture in
            try await withDaybook(
                DaybookConfiguration(uri: try fixture.uri(), database: fixture.database), aggregates: [Account.self]
            ) { store in
                try await store.initialize()
                let loader = store.bulkLoader()
                try await loader.append(try await batch("first", 3, seed: 1))
                try await fixture.withFailPoint { failPoint in
                    try await failPoint.set(.always, ["insert"], ["errorCode": 13])
                    let error = try await daybookError {
                        try await loader.append(try await batch("second", BulkLoader.eventsPerInsert, seed: 2))
                    }
                    #expect(error?.code == .unauthorized)
                    let again = try await daybookError { _ = try await loader.finish() }
                    #expect(again?.code == .unauthorized, "what is not written is not forgotten")
                }
                let report = try await loader.finish()
                #expect(
                    report.events == BulkLoader.eventsPerInsert + 3 && report.snapshots == 2
                        && report.skippedEvents == 0)
                #expect(try await store.repository(Account.self).load("first").version == 3)
                #expect(try await store.verify().isClean)
            }
        }
    }

    @Test(
        "a bulk load refuses batches once it keeps ten inserts' worth that cannot be written, and writes what it kept later"
    )
    func backlog() async throws {
        try await withDriverFixture { fixture in
            try await withDaybook(
                DaybookConfiguration(uri: try fixture.uri(), database: fixture.database), aggregates: [Account.self]
            ) { store in
                try await store.initialize()
                let loader = store.bulkLoader()
                let batch = try await batch("a", BulkLoader.eventsPerInsert, seed: 1)
                try await fixture.withFailPoint { failPoint in
                    try await failPoint.set(.always, ["insert"], ["errorCode": 13])
                    for _ in 0..<10 {
                        let error = try await daybookError { try await loader.append(batch) }
                        #expect(error?.message.hasPrefix("the batch was not taken") == false)
                    }
                    let error = try await daybookError { try await loader.append(batch) }
                    #expect(
                        error?.message.hasPrefix("the batch was not taken: 10000 events") == true,
                        "\(error?.message ?? "")")
                    #expect(error?.code == .unauthorized)
                }
                let report = try await loader.finish()
                #expect(
                    report.events == BulkLoader.eventsPerInsert
                        && report.skippedEvents == 9 * BulkLoader.eventsPerInsert)
            }
        }
    }

    @Test("a bulk load with a conflict fails for every task, and never reports that it is done")
    func conflict() async throws {
        try await withTestStore { store in
            try await store.repository(Account.self).execute(.deposit(9), on: "taken")
            let loader = store.bulkLoader()
            try await loader.append(try await batch("taken", 2, seed: 1))
            try await loader.append(try await batch("free", 2, seed: 2))
            for _ in 0..<2 {
                let error = try await daybookError { _ = try await loader.finish() }
                #expect(error?.code == .conflict && error?.aggregateID == "account/taken")
            }
        }
    }
}
