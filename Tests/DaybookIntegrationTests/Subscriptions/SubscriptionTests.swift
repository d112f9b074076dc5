import Daybook
import DaybookBSON
import DaybookSubscriptions
import Foundation
import IntegrationSupport
import Testing

/// How much came into the accounts whose keys begin with the same letter.
enum Incomes: Projection {
    static let name: SubscriptionName = "incomes"

    struct Document: Queryable, Equatable {
        var amount = 0
        var accounts: Set<String> = []

        static var fields: [Field<Document>] { [Field("amount", \.amount, indexed: true)] }
    }

    static var sources: [EventSource<Self>] {
        [
            .events(of: Account.self, key: { String($0.aggregateID.key.prefix(1)) }) { event, document in
                guard case .event(.deposited(let amount)) = event.body else { return }
                document.amount += amount
                document.accounts.insert(event.aggregateID.key)
            }
        ]
    }
}

@Suite("A projection that a store runs", .serialized, .timeLimit(.minutes(5)))
struct SubscriptionTests {
    /// With a user who may rebuild, too.
    private func withStore<R: Sendable>(_ body: (DaybookStore) async throws -> R) async throws -> R {
        try await withTestStore(for: [Account.self], subscriptions: [.projection(Incomes.self)], as: .operator, body)
    }

    @Test("has the documents that the events make, and shows a commit that is waited for")
    func follows() async throws {
        try await withStore { store in
            let accounts = store.repository(Account.self)
            for key in 0..<20 { try await accounts.execute(.depositEach([1, 2, 3]), on: "\(key)") }
            let view = store.view(Incomes.self)
            try await running(store) {
                let commit = try #require(try await accounts.execute(.deposit(10), on: "1"))
                try await view.wait(for: commit, timeout: .seconds(20))
                #expect(try await view.find("1")?.document.amount == 11 * 6 + 10)
                var found: [String] = []
                for try await document in view.query(where: \.amount > 6, sort: [.descending(\.amount)]) {
                    found.append(document.key)
                }
                #expect(found == ["1"])
                var latencies: [Duration] = []
                for _ in 0..<40 {
                    let commit = try #require(try await accounts.execute(.deposit(1), on: "2"))
                    let start = ContinuousClock.now
                    try await view.wait(for: commit, timeout: .seconds(20))
                    latencies.append(ContinuousClock.now - start)
                }
                #expect(latencies.sorted()[20] < .seconds(2))
            }
            let statuses = try await store.subscriptions.list()
            #expect(statuses.map(\.behind) == [0])
            #expect(statuses.map(\.lagSeconds) == [0])
            #expect(try await store.subscriptions.verify().map(\.total) == [0])
            #expect(try await store.projections.verify().map(\.total) == [0])
        }
    }

    @Test("is rebuilt in place and beside, and verified")
    func rebuilt() async throws {
        try await withStore { store in
            let accounts = store.repository(Account.self)
            // Nothing is built yet to compare with, and no progress is shown without events.
            await #expect(throws: DaybookError.self) { try await store.projections.verify() }
            _ = try await store.projections.rebuild(reason: tester) { #expect($0 > 0) }
            for key in 0..<30 { try await accounts.execute(.depositEach([1, 2, 3]), on: "\(key)") }
            #expect(try await store.projections.rebuild(reason: tester).map(\.checked) == [10])
            #expect(try await store.subscriptions.verify().map(\.total) == [0])
            try await running(store) {
                #expect(try await store.projections.verify().map(\.total) == [0])
                try await store.raw.update(["_id": "1"], with: ["$set": ["state.amount": 1]], in: "views.incomes")
                #expect(try await store.projections.verify().first?.findings.map(\.key) == ["1"])
                #expect(try await store.projections.patch(reason: tester).first?.isReplaced == true)
                #expect(try await store.projections.verify().map(\.total) == [0])
                let commit = try #require(try await accounts.execute(.deposit(10), on: "1"))
                try await store.view(Incomes.self).wait(for: commit, timeout: .seconds(30))
                #expect(try await store.projections.rebuild(swap: true, reason: tester).map(\.checked) == [10])
            }
        }
    }

    private func running<R: Sendable>(_ store: DaybookStore, _ body: @Sendable () async throws -> R) async throws -> R {
        let other = try DaybookStore(
            store.configuration, aggregates: store.aggregates, subscriptions: store.ownSubscriptions)
        let run = Task { try await other.run() }
        defer { run.cancel() }
        let result = try await body()
        run.cancel()
        try? await run.value
        return result
    }
}
