import Daybook
import DaybookBSON
import Foundation
import IntegrationSupport
import Logging
import Testing

@Suite struct QueryWarningTests {
    private struct Row: Decodable {
        var status: Ticket.Status
    }

    @Test(
        "each snapshot that is folded anew is warned of once for each time it was found, by its id and without its content"
    )
    func warnings() async throws {
        let lines = Recorder<String>()
        try await withTestStore(configure: { configuration in
            configuration.logger = Logger(label: "test") { _ in RecordingHandler(lines: lines) }
        }) { store in
            try await store.initialize(Ticket.self)
            let tickets = store.repository(Ticket.self)
            for key in ["t-1", "t-2", "t-3"] { try await tickets.execute(.change(.init(.open, priority: 1)), on: key) }
            // Of a kind that only a query stumbles over: a load looks at the journal's head and the digest, and has
            // warnings of its own.
            try await store.raw.update(
                ["_id": "ticket/t-2"], with: ["$set": ["state.status": "hunter2"]], in: "snapshots.ticket")
            let calls: [() async throws -> Int] = [
                { try await tickets.query().reduce(0) { count, _ in count + 1 } },
                { try await tickets.query(Row.self, of: [\.status]).reduce(0) { count, _ in count + 1 } },
                { try await tickets.page(sort: [.ascending(\.priority)]).items.count },
            ]
            for (number, call) in calls.enumerated() {
                #expect(try await call() == 3)
                let warnings = lines.all.filter { $0.contains("ignored by a query") }
                #expect(warnings.count == number + 1)
                #expect(
                    warnings.allSatisfy {
                        $0.contains("ticket/t-2") && $0.contains("snapshots.ticket") && $0.contains("status")
                    })
            }
            #expect(!lines.all.contains { $0.contains("hunter2") })
        }
    }
}

private struct RecordingHandler: LogHandler {
    let lines: Recorder<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.record("\(event.message) \(event.metadata ?? [:])")
    }
}
