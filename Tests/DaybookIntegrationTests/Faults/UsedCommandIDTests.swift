@testable import Daybook
import DaybookMongo
import Foundation
import IntegrationSupport
import Testing

@Suite("A command id that the server refuses as used", .timeLimit(.minutes(2)))
struct UsedCommandIDTests {
    /// Executes a command again whose first execution the server has, and loses what is read after the refusal.
    private func race<A: Aggregate>(
        _ aggregate: A.Type, _ command: A.Command, insert: String, readingBefore reads: Int, isCancelled: Bool
    ) async throws {
        try await withFaultyStore(commitTimeout: .seconds(1), keepsAggregates: false) { store, proxy, fixture in
            try await store.initialize(A.self)
            let repository = store.repository(A.self)
            try await withDaybook(DaybookConfiguration(uri: TestServer.uri, database: fixture.database)) { other in
                _ = try await other.repository(A.self).execute(command, on: "b", commandID: "c")
            }
            proxy.fail(insert, .hold)
            let task = Task { try await repository.execute(command, on: "b", commandID: "c") }
            try #require(await eventually("its events are on their way") { proxy.held == 1 })
            proxy.fail("find", .error(13), skip: reads, times: isCancelled ? 1 : .max)
            if isCancelled { task.cancel() }
            await proxy.release()
            let error = try await daybookError { _ = try await task.value }
            #expect(error?.code == .outcomeUnknown, "\(error.map { "\($0)" } ?? "none")")
            #expect(error?.aggregateID == "\(A.type)/b")
            #expect((error?.underlying as? MongoError)?.code == .duplicateKey)
            proxy.heal()
            #expect(try await repository.execute(command, on: "b", commandID: "c")?.versions == 1...1)
            #expect(try await repository.load("b").version == 1)
        }
    }

    @Test(
        "G3: is outcomeUnknown when its commit cannot be read, and never the error of that read or of a cancellation",
        arguments: [true, false])
    func unread(isCancelled: Bool) async throws {
        // A group looks at the event at its version first.
        try await race(Tally.self, .deposit(2), insert: "insert", readingBefore: 1, isCancelled: isCancelled)
        try await race(Account.self, .deposit(2), insert: "bulkWrite", readingBefore: 0, isCancelled: isCancelled)
    }
}
