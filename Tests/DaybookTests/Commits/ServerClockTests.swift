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
}
