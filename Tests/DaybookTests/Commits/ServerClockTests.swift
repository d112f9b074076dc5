@testable import Daybook
import Foundation
import Testing

@Suite("ServerClock")
struct ServerClockTests {
    private let sent = Date(timeIntervalSince1970: 1_700_000_000)

    private func offset(_ ahead: TimeInterval, roundTrip: TimeInterval) -> TimeInterval {
        ServerClock.offset(sent: sent, roundTrip: roundTrip, server: sent.addingTimeInterval(ahead))
    }

    @Test(
        "clocks that may agree have no offset: the server read its own at some time during the round trip, cut to a millisecond"
    )
    func agreement() {
        for roundTrip in [0, 0.001, 0.02, 3] {
            for part in [0, 0.25, 0.5, 0.75, 1] { #expect(offset(roundTrip * part, roundTrip: roundTrip) == 0) }
            #expect(offset(roundTrip * 0.25 - 0.000_9, roundTrip: roundTrip) == 0)
        }
        #expect(offset(-0.000_9, roundTrip: 0) == 0)
    }

    @Test(
        "an offset is off by half of the round trip at most",
        arguments: [600, 5, -0.5, -600, 1e9, -1e9] as [TimeInterval])
    func disagreement(ahead: TimeInterval) {
        for roundTrip in [0, 0.002, 0.1] {
            for part in [0, 0.5, 1] {
                let found = offset(ahead + roundTrip * part, roundTrip: roundTrip)
                #expect(abs(found - ahead) <= roundTrip / 2 + 0.001)
            }
        }
    }

    @Test("an offset between clocks that cannot agree is never taken for none")
    func beyond() {
        #expect(offset(0.0121, roundTrip: 0.01) != 0)
        #expect(offset(-0.0021, roundTrip: 0.01) != 0)
    }

    private func withClock(_ clock: CommitClock, _ body: (ServerClock) throws -> Void) async throws {
        var configuration = DaybookConfiguration(uri: "mongodb://127.0.0.1:1", database: "shop")
        configuration.clock = clock
        let store = try DaybookStore(configuration)
        try body(store.clock)
        await store.close()
    }

    private func milliseconds(_ clock: ServerClock) -> UInt64 { EventID.milliseconds(at: clock.now()) }

    @Test("the time is never before that of an id that was observed, unless that is far in the future")
    func observed() async throws {
        let sent = sent
        let fixed = CommitClock(now: { sent }, random: { 0 }, followsServer: true)
        try await withClock(fixed) { clock in
            let now = EventID.milliseconds(at: sent)
            func observe(_ distance: Int64) {
                clock.observe(EventID(milliseconds: UInt64(Int64(now) + distance), random: { 0 }))
            }
            observe(-5)
            #expect(milliseconds(clock) == now)
            observe(5_000)
            #expect(milliseconds(clock) == now + 5_000)
            observe(4_000)
            #expect(milliseconds(clock) == now + 5_000)
            observe(600_001)
            #expect(milliseconds(clock) == now + 5_000)
            observe(600_000)
            #expect(milliseconds(clock) == now + 600_000)
            let commit = EventID.next(after: [], at: clock.now(), random: { 0 })
            #expect(commit.milliseconds == now + 600_000)
        }
        try await withClock(CommitClock(now: { sent }, random: { 0 })) { clock in
            clock.observe(EventID(milliseconds: EventID.milliseconds(at: sent) + 1, random: { 0 }))
            #expect(clock.now() == sent, "a simulation's clock is its own")
        }
    }
}
