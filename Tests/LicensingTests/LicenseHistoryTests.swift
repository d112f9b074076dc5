import DaybookTesting
import Foundation
@testable import Licensing
import Testing

@Suite("License: what is stored") struct LicenseHistoryTests {
    static let history: [License.Event] = [
        License.created, .downloaded,
        .playbackStarted(session: .number(1), occurredAt: start + .hours(1), policyVersion: 1),
        .playbackStopped(session: .number(2), occurredAt: start + .hours(2)),
        .playbackStarted(session: .number(3), occurredAt: start + .minutes(30), policyVersion: 1),
        .renewed(expiresAt: start + .days(50), policyVersion: 2), .expired,
        .expiryCorrected(expiresAt: start + .days(60), reason: "outage", operator: "o-1"),
    ]

    @Test(
        "the same events give the same state",
        arguments: [License.Event.released(reason: "lost"), .revoked(reason: "abuse", operator: "o-1")])
    func determinism(end: License.Event) throws {
        try checkDeterminism(of: License.self, events: Self.history + [end])
    }

    @Test("the state is what it was")
    func golden() throws {
        try checkGolden(
            License.self, events: Self.history + [.released(reason: "lost")], file: "Golden/license-released.json")
        try checkGolden(
            License.self, events: Self.history + [.revoked(reason: "abuse", operator: "o-1")],
            file: "Golden/license-revoked.json"
        )
    }

    @Test("a count that was corrected to the largest there is does not grow, and does not trap")
    func largestCount() throws {
        var license = License()
        for event in Self.history.prefix(4) { license.apply(event) }
        (license.plays, license.renewals) = (.max, .max)
        license.apply(.playbackStarted(session: .number(9), occurredAt: start + .hours(3), policyVersion: 1))
        license.apply(.renewed(expiresAt: start + .days(50), policyVersion: 2))
        #expect(license.plays == .max && license.renewals == .max)
        let events = try license.decide(
            .recordSessions([.started(10, at: start + .hours(4))], .with()), at: start + .hours(5))
        #expect(events.count == 1)
    }

    @Test("a late session that occurred earlier changes the first play, and not what it is doing now")
    func late() throws {
        try Scenario(License.self).given(Self.history.prefix(5).map { $0 }).thenState {
            #expect($0.status == .downloaded && $0.plays == 2)
            #expect($0.firstPlayedAt == start + .minutes(30) && $0.lastSessionAt == start + .hours(2))
        }
    }
}
