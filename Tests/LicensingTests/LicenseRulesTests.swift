import DaybookTesting
import Foundation
import Licensing
import TestSupport
import Testing

/// The rules of a licence that have a number in them, at their edge.
@Suite("License: limits")
struct LicenseRulesTests {
    // MARK: Expiry

    @Test("a licence ends after its days or with the title's availability, whichever is earlier")
    func expiry() throws {
        let end = start + .days(30)
        let cases: [(Date?, Date)] = [
            (nil, end), (end + .millisecond, end), (end, end), (end - .millisecond, end - .millisecond),
            (start + .millisecond, start + .millisecond), (.distantFuture, end),
        ]
        for (availableUntil, expected) in cases {
            let terms = Terms(availableUntil: availableUntil)
            try Scenario(License.self).when(.create(terms), at: start)
                .then(
                    .created(
                        member: "m-1", device: "d-1", title: "t-1", studio: "s-1", expiresAt: expected, policyVersion: 1
                    ))
            for status in License.living {
                try Scenario(License.self).given(License.history(to: status)).when(.renew(terms), at: start)
                    .then(.renewed(expiresAt: expected, policyVersion: 1))
            }
        }
    }

    @Test(
        "a title whose availability has ended can be neither issued nor renewed",
        arguments: [0, TimeInterval.millisecond, 86_400])
    func unavailable(ago: TimeInterval) throws {
        let terms = Terms(availableUntil: start - ago)
        try Scenario(License.self).when(.create(terms), at: start).thenRejected(Refusal(.titleUnavailable))
        for status in License.living {
            try Scenario(License.self).given(License.history(to: status)).when(.renew(terms), at: start)
                .thenRejected(Refusal(.titleUnavailable))
        }
    }

    @Test("an expired licence that is renewed is downloaded, and can expire again, at its new end")
    func renewedAfterExpiry() throws {
        try Scenario(License.self).given(License.history(to: .expired))
            .when(.renew(Terms()), at: License.expiry + .days(1)).thenState { #expect($0.status == .downloaded) }
            .when(.expire, at: License.expiry + .days(31) - .millisecond).thenRejected(Refusal(.illegalTransition))
            .when(.expire, at: License.expiry + .days(31)).then(.expired)
    }

    @Test("the expiry that was corrected decides; one that is still in the past expires again at once")
    func corrected() throws {
        let past = start + .days(10)
        try Scenario(License.self).given(License.history(to: .expired))
            .when(.correctExpiry(to: past, reason: "typo", operator: "o-1"), at: past)
            .then(.expiryCorrected(expiresAt: past, reason: "typo", operator: "o-1"), .expired)
            .thenState { #expect($0.status == .expired) }
        try Scenario(License.self).given(License.history(to: .expired))
            .when(.correctExpiry(to: past, reason: "typo", operator: "o-1"), at: past - .millisecond)
            .thenState { #expect($0.status == .downloaded) }
            .when(.expire, at: past).then(.expired)
    }

    // MARK: Renewals

    @Test("a licence is renewed as often as the policy says, and no more", arguments: [0, 1, 2, 5])
    func renewals(limit: Int) throws {
        let renew = License.Command.renew(.with { $0.maximumRenewals = limit })
        var scenario = try Scenario(License.self).given(License.history(to: .downloaded))
        for _ in 0..<limit {
            try scenario.when(renew, at: start).then(.renewed(expiresAt: License.expiry, policyVersion: 1))
            scenario = try scenario.given(.renewed(expiresAt: License.expiry, policyVersion: 1))
        }
        try scenario.when(renew, at: start).thenRejected(Refusal(.renewalLimitReached, limit: limit))
    }

    // MARK: Plays

    @Test("a licence is played as often as the policy says, and no more", arguments: [0, 1, 3])
    func plays(limit: Int) throws {
        let terms = Terms.with { $0.maximumPlays = limit }
        let downloaded = try Scenario(License.self).given(License.created, .downloaded)
        let allowed = (0..<limit).map { License.Session.started($0, at: start + .minutes(Double($0))) }
        let more = License.Session.started(99, at: start + .hours(1))
        try downloaded.when(.recordSessions(allowed, terms)).thenState { #expect($0.plays == limit) }
            .when(.recordSessions([more], terms)).thenRejected(Refusal(.playLimitReached, limit: limit))
        // One too many refuses the whole batch.
        try downloaded.when(.recordSessions([more] + allowed, terms)).thenRejected(
            Refusal(.playLimitReached, limit: limit))
    }

    @Test("a licence is played within the window after its first play, and not a millisecond later")
    func window() throws {
        let first = start + .hours(1)
        let played = try Scenario(License.self).given(
            License.created, .downloaded, .playbackStarted(session: .number(1), occurredAt: first, policyVersion: 1))
        let end = first + .hours(48)
        try played.when(.recordSessions([.started(2, at: end)], Terms()))
            .then(.playbackStarted(session: .number(2), occurredAt: end, policyVersion: 1))
        try played.when(.recordSessions([.started(2, at: end + .millisecond)], Terms()))
            .thenRejected(Refusal(.playWindowOver, limit: 48))
        // That it stopped is a fact all the same.
        try played.when(.recordSessions([.stopped(3, at: end + .days(1))], Terms()))
            .then(.playbackStopped(session: .number(3), occurredAt: end + .days(1)))
    }

    // MARK: Sessions

    @Test("a session counts if it occurred before expiry, even when it arrives after")
    func lateSession() throws {
        let expired = try Scenario(License.self).given(License.created, .downloaded, .expired)
        try expired.when(.recordSessions([.started(3, at: License.expiry)], Terms()), at: License.expiry + .days(5))
            .thenNothing()
        try expired.when(
            .recordSessions([.started(3, at: License.expiry - .millisecond)], Terms()), at: License.expiry + .days(5)
        )
        .then(.playbackStarted(session: .number(3), occurredAt: License.expiry - .millisecond, policyVersion: 1))
        .thenState { #expect($0.status == .expired && $0.plays == 1) }
    }

    @Test("a shuffled, duplicated batch that arrives after expiry counts each play once, in whatever parts it comes")
    func shuffled() throws {
        let plays = 40
        let sessions = (0..<plays).flatMap { number -> [License.Session] in
            let time = License.expiry - .hours(47) + .hours(Double(number))
            return [.started(2 * number, at: time), .stopped(2 * number + 1, at: time + .minutes(30))]
        }
        var inOrder: License?
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let reports = (sessions + sessions + sessions.prefix(7)).shuffled(using: &random)
            var licence = try Scenario(License.self).given(License.created, .downloaded, .expired)
                .when(.recordSessions(reports, Terms()), at: License.expiry + .days(3))
            try licence.thenState { state in
                #expect(state.plays == plays && state.sessions.count == 2 * plays && state.status == .expired)
                #expect(state.firstPlayedAt == License.expiry - .hours(47))
                // The order in which a batch was sent leaves no trace.
                if let inOrder { #expect(state == inOrder) } else { inOrder = state }
            }
            // And again, in two parts.
            let half = Int.random(in: 0...reports.count, using: &random)
            licence = try licence.when(.recordSessions(Array(reports[..<half]), Terms())).thenNothing()
            try licence.when(.recordSessions(Array(reports[half...]), Terms())).thenNothing()
        }
    }

    // MARK: Policy

    @Test("the policy that decides is the one in force; the event says which, and an old outcome stays")
    func policy() throws {
        let second = Terms.with { ($0.version, $0.licenseDays) = (2, 7) }
        try Scenario(License.self).given(License.created)
            .thenState { #expect($0.expiresAt == License.expiry && $0.policyVersion == 1) }
            .when(.renew(second), at: start).then(.renewed(expiresAt: start + .days(7), policyVersion: 2))
    }

    @Test("a policy is in force from its date on, to the millisecond, and the first one before all dates")
    func book() {
        var (second, third) = (Policy(), Policy())
        (second.version, second.effectiveFrom) = (2, start)
        (third.version, third.effectiveFrom) = (3, start + .days(1))
        let book = PolicyBook([third, Policy(), second])
        #expect(book.policy(at: .distantPast).version == 1)
        #expect(book.policy(at: start - .millisecond).version == 1)
        #expect(book.policy(at: start).version == 2)
        #expect(book.policy(at: start + .days(1) - .millisecond).version == 2)
        #expect(book.policy(at: start + .days(1)).version == 3)
        #expect(PolicyBook([third]).policy(at: start).version == 3)
    }

    @Test("a book of policies can be read from JSON")
    func json() throws {
        var second = Policy()
        (second.version, second.effectiveFrom, second.maximumPlays) = (2, start, 3)
        let book = PolicyBook([Policy(), second])
        #expect(try JSONDecoder().decode(PolicyBook.self, from: JSONEncoder().encode(book)) == book)
    }
}
