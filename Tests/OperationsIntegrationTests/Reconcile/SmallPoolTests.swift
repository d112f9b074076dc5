@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import IntegrationSupport
import Testing

@Suite("With as few connections as there may be", .timeLimit(.minutes(3)))
struct SmallPoolTests {
    enum Work: CaseIterable, Sendable { case verify, patch, rebuild, swap }

    @Test(
        "verify, patch and rebuild run beside commits and loads", arguments: Work.allCases,
        ["maxPoolSize=1", "maxPoolSize=3"])
    func besideTraffic(_ work: Work, _ option: String) async throws {
        try await ReconcileFixture.withStore { store in
            try await ReconcileFixture.seed(Account.self, count: 200, in: store)
            try await ReconcileFixture.seed(Tally.self, count: 100, in: store)
            var address = try ServerAddress(store.configuration.uri)
            address.options.append(option)
            try await ReconcileFixture.withAnother(on: store, uri: address.uri) { small in
                let accounts = small.repository(Account.self)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<3 {
                        group.addTask {
                            while !Task.isCancelled {
                                try await accounts.execute(.deposit(1), on: "writer-\(writer)")
                                _ = try await accounts.load("writer-\(writer)")
                            }
                        }
                    }
                    var options = ReconcileOptions()
                    options.workers = 2
                    switch work {
                    case .verify: _ = try await small.verify(options)
                    case .patch: _ = try await small.patch(options)
                    case .rebuild: _ = try await small.rebuild(options)
                    case .swap: _ = try await small.rebuild(options, swap: true)
                    }
                    group.cancelAll()
                    do { try await group.waitForAll() } catch is CancellationError {}
                }
            }
        }
    }
}
