import Daybook
import DaybookTesting
import Foundation
import IntegrationSupport
import Testing

// The code of README.md, as it stands there.

struct Counter: Aggregate {
    enum Event: Codable, Sendable { case added(amount: Int) }
    enum Command: Sendable { case add(Int) }
    enum Rejection: Error { case notPositive }

    static let type: AggregateType = "counter"
    static let fields: [Field<Counter>] = [Field("total", \.total, indexed: true)]

    var total = 0
    init() {}

    mutating func apply(_ event: Event) {
        switch event {
        case .added(let amount): total += amount
        }
    }

    func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        switch command {
        case .add(let amount):
            guard amount > 0 else { throw .notPositive }
            return [.added(amount: amount)]
        }
    }
}

@Suite("README.md") struct ReadmeTests {
    private static func local() -> DaybookConfiguration {
        let configuration = DaybookConfiguration(uri: "mongodb://127.0.0.1:27617/?replicaSet=secantus")
        return configuration
    }

    @Test("the code of the README does what its comments say")
    func readme() async throws {
        var chosen = Self.local()
        chosen.uri = try TestServer.uri
        let local = chosen
        try await withTemporaryStore(uri: local.uri, aggregates: []) { keeper in
            var configuration = local
            configuration.database = keeper.database
            let store = try DaybookStore(configuration, aggregates: [Counter.self])
            try await store.initialize()  // collections, validator, indexes; as often as you like
            let counters = store.repository(Counter.self)

            // Loads, decides, appends, writes the snapshot.
            let commit = try await counters.execute(.add(2), on: "visits", commandID: "request-7")
            let now = try await counters.load("visits")  // now.state.total, now.version
            let before = try await counters.load("visits", at: .version(1))  // or .date(yesterday)
            for try await event in try counters.history("visits") { print(event.version, event.type, event.recordedAt) }
            for try await counter in counters.query(where: \.total >= 2, sort: [.descending(\.total)], limit: 50) {
                print(counter.id)
            }

            try await store.transaction { tx in  // several aggregates, all or nothing; the closure may run again
                try await tx.execute(.add(1), on: "a", of: Counter.self)
                try await tx.execute(.add(1), on: "b", of: Counter.self)
            }

            #expect(commit?.version == 1)
            #expect(now.state.total == 2 && before.state.total == 2)
            #expect(try await counters.load("b").state.total == 1)
            await store.close()
        }
    }
}
