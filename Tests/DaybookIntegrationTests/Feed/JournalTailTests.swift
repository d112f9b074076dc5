@testable import Daybook
import DaybookBSON
import DaybookMongo
import IntegrationSupport
import Testing

@Suite("The journal's tail", .serialized, .timeLimit(.minutes(2)))
struct JournalTailTests {
    @Test("writes marks while it has readers, and says for how long one has not come back or could not be written")
    func markAge() async throws {
        try await withFaultyStore { store, proxy, _ in
            let tail = JournalTail(
                of: store.journal, on: store.client, clock: store.clock, logger: store.telemetry.logger,
                pulse: .milliseconds(100))
            let reader = tail.reader()
            let reading = Task { while true { _ = try await reader.next() } }
            func marks() -> Int {
                proxy.exchanges.count { $0.command == "insert" && $0.request.string(at: "insert") == "daybook.marks" }
            }
            #expect(await eventually("it writes marks") { marks() >= 3 })
            #expect(await eventually("they come back") { await tail.markAge == nil })
            proxy.fail("insert", .error(13), times: 1_000)
            #expect(await eventually("one is missing") { await tail.markAge ?? .zero > .seconds(1) })
            proxy.heal()
            #expect(await eventually("a later one comes back") { await tail.markAge == nil })
            reading.cancel()
            _ = await reading.result
        }
    }
}
