import Foundation
import Licensing
import Testing

/// The rules that have a number in them, at their edge.
@Suite("License: limits")
struct LicenseRulesTests {
    private let millisecond = Duration.milliseconds(1)

    // MARK: Expiry

    @Test("a licence expires after its days or with the title's availability, whichever is earlier")
    func expiry() throws {
        let end = start + .days(30)
        let cases: [(Date?, Date)] = [
            (nil, end), (end + millisecond, end), (end, end), (end - millisecond, end - millisecond),
            (start + millisecond, start + millisecond), (.distantFuture, end),
        ]
        for (availableUntil, expected) in cases {
            let create = License.Command.create(.sample, policy: LicensePolicy(), availableUntil: availableUntil)
            #expect(
                try License().decide(create, at: start) == [.created(grant: .sample, expiresAt: expected, policyVersion: 1)])
            let renew = License.Command.renew(policy: LicensePolicy(), availableUntil: availableUntil)
            for status in [.issued, .downloaded, .playing, .expired] as [License.Status] {
                #expect(
                    try License.inState(status).decide(renew, at: start) == [.renewed(expiresAt: expected, policyVersion: 1)])
            }
        }
    }

    @Test("the days are those of the policy that decides, and the event says which it was")
    func policyDays() throws {
        let policy = LicensePolicy.with { ($0.version, $0.licenseDays) = (12, 7) }
        var license = License()
        try license.execute(.create(.sample, policy: policy, availableUntil: nil))
        #expect(license.expiresAt == start + .days(7))
        #expect(license.policyVersion == 12)
        try license.execute(
            .renew(policy: .with { ($0.version, $0.licenseDays) = (13, 90) }, availableUntil: nil), at: start + .days(1))
        #expect(license.expiresAt == start + .days(91))
        #expect(license.policyVersion == 13)
    }

    @Test("a title whose availability has ended can be neither issued nor renewed", arguments: [0, 1, 86_400_000])
    func unavailable(millisecondsAgo: Int) {
        let end = start - .milliseconds(millisecondsAgo)
        #expect(throws: License.Rejection(.titleUnavailable)) {
            try License().decide(.create(.sample, policy: LicensePolicy(), availableUntil: end), at: start)
        }
        for status in [.issued, .downloaded, .playing, .expired] as [License.Status] {
            #expect(throws: License.Rejection(.titleUnavailable)) {
                try License.inState(status).decide(.renew(policy: LicensePolicy(), availableUntil: end), at: start)
            }
        }
    }

    @Test(
        "a licence expires at its expiry, and not a millisecond before",
        arguments: [License.Status.issued, .downloaded, .playing])
    func expiryEdge(status: License.Status) throws {
        let license = License.inState(status)
        #expect(throws: License.Rejection(.illegalTransition)) { try license.decide(.expire, at: License.expiry - millisecond) }
        #expect(try license.decide(.expire, at: License.expiry) == [.expired])
        #expect(try license.decide(.expire, at: License.expiry + .days(1_000)) == [.expired])
    }

    @Test("an expired licence that is renewed is downloaded, and can expire again")
    func renewedAfterExpiry() throws {
        var license = License.inState(.expired)
        try license.execute(.renew(policy: LicensePolicy(), availableUntil: nil), at: License.expiry + .days(1))
        #expect(license.status == .downloaded)
        #expect(license.expiresAt == License.expiry + .days(31))
        #expect(throws: License.Rejection(.illegalTransition)) { try license.decide(.expire, at: License.expiry + .days(30)) }
        try license.execute(.expire, at: License.expiry + .days(31))
        #expect(license.status == .expired)
    }

    // MARK: Renewals

    @Test("a licence is renewed as often as the policy says, and no more", arguments: [0, 1, 2, 5])
    func renewals(limit: Int) throws {
        let policy = LicensePolicy.with { $0.maximumRenewals = limit }
        for status in [.issued, .downloaded, .playing, .expired] as [License.Status] {
            var license = License.inState(status)
            for number in 0..<limit {
                #expect(license.renewals == number)
                try license.execute(.renew(policy: policy, availableUntil: nil))
            }
            let before = license
            #expect(throws: License.Rejection(.renewalLimitReached, limit: limit)) {
                try license.execute(.renew(policy: policy, availableUntil: nil))
            }
            #expect(license == before)
            #expect(license.renewals == limit)
            // A later policy may allow more, or less.
            #expect(throws: License.Rejection(.renewalLimitReached, limit: 0)) {
                try license.execute(.renew(policy: .with { $0.maximumRenewals = 0 }, availableUntil: nil))
            }
            try license.execute(.renew(policy: .with { $0.maximumRenewals = limit + 1 }, availableUntil: nil))
            #expect(license.renewals == limit + 1)
        }
    }

    @Test("by default there are five renewals, 30 days, any number of plays and 48 hours of them")
    func defaults() {
        let policy = LicensePolicy()
        #expect(policy.version == 1)
        #expect(policy.maximumRenewals == 5)
        #expect(policy.licenseDays == 30)
        #expect(policy.maximumPlays == nil)
        #expect(policy.playWindow == 48 * 3_600)
    }

    // MARK: Plays

    @Test("plays are counted to their limit, in one batch or in many; stops are not plays", arguments: [1, 3])
    func plays(limit: Int) throws {
        let policy = LicensePolicy.with { $0.maximumPlays = limit }
        let starts = (0..<limit).map { License.Session.started(100 + $0, at: start + .minutes($0)) }
        let stops = (0..<20).map { License.Session.stopped(200 + $0, at: start + .minutes($0)) }
        for batches in [[starts + stops], starts.map { [$0] } + stops.map { [$0] }] {
            var license = License(folding: [.created(grant: .sample, expiresAt: License.expiry, policyVersion: 1), .downloaded])
            for batch in batches { try license.execute(.recordSessions(batch, policy: policy)) }
            #expect(license.plays == limit)
            #expect(license.sessions.count == limit + 20)
            let before = license
            let oneMore: [License.Session] = [.stopped(300, at: start), .started(301, at: start + .hours(1))]
            #expect(throws: License.Rejection(.playLimitReached, limit: limit)) {
                try license.execute(.recordSessions(oneMore, policy: policy))
            }
            #expect(license == before)
            // What was counted already is no play more.
            #expect(try license.execute(.recordSessions(starts, policy: policy)) == [])
        }
    }

    @Test("a limit of no plays lets nothing be played, and without a limit there is none")
    func extremeLimits() throws {
        let license = License.inState(.downloaded)
        #expect(throws: License.Rejection(.playLimitReached, limit: 0)) {
            try license.decide(.recordSessions([.started(9, at: start)], policy: .with { $0.maximumPlays = 0 }), at: start)
        }
        let many = (100..<1_100).map { License.Session.started($0, at: start + .seconds($0)) }
        #expect(try license.decide(.recordSessions(many, policy: LicensePolicy()), at: start).count == 1_000)
    }

    @Test("it may be played until the window after the first play ends, to the millisecond")
    func playWindow() throws {
        let policy = LicensePolicy.with { $0.playWindow = 3_600 }
        var license = License(folding: [.created(grant: .sample, expiresAt: License.expiry, policyVersion: 1), .downloaded])
        try license.execute(.recordSessions([.started(1, at: start)], policy: policy))
        let end = start + .hours(1)
        #expect(throws: License.Rejection(.playWindowOver, limit: 3_600)) {
            try license.execute(.recordSessions([.started(2, at: end + millisecond)], policy: policy))
        }
        try license.execute(.recordSessions([.started(3, at: end)], policy: policy))
        // What began inside may stop outside.
        try license.execute(.recordSessions([.stopped(4, at: end + .days(1))], policy: policy))
        #expect(license.plays == 2)
        #expect(license.firstPlayedAt == start)
    }

    @Test("the window begins with the first play by when it occurred, also inside one batch and when that arrives late")
    func windowOfTheEarliest() throws {
        let policy = LicensePolicy.with { $0.playWindow = 3_600 }
        let fresh = License(folding: [.created(grant: .sample, expiresAt: License.expiry, policyVersion: 1), .downloaded])
        let (early, late) = (License.Session.started(1, at: start), License.Session.started(2, at: start + .minutes(61)))
        for batch in [[early, late], [late, early]] {
            #expect(throws: License.Rejection(.playWindowOver, limit: 3_600)) {
                try fresh.decide(.recordSessions(batch, policy: policy), at: start)
            }
        }
        var license = fresh
        try license.execute(.recordSessions([late], policy: policy))
        try license.execute(.recordSessions([early], policy: policy))
        #expect(license.firstPlayedAt == start)
        #expect(throws: License.Rejection(.playWindowOver, limit: 3_600)) {
            try license.execute(.recordSessions([.started(3, at: start + .minutes(61))], policy: policy))
        }
    }
}
