import Foundation
import Licensing
import Testing

/// Session events arrive late, shuffled and duplicated.
@Suite("License: session events")
struct LicenseSessionsTests {
    private let policy = LicensePolicy.with { $0.playWindow = 400 * 86_400 }

    /// A simple generator with a seed: what failed once fails again.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private var downloaded: License {
        License(folding: [.created(grant: .sample, expiresAt: License.expiry, policyVersion: 1), .downloaded])
    }

    /// Starts and stops in turn, ten minutes apart.
    private let sessions = (0..<40).map { number -> License.Session in
        let date = start + .minutes(10 * number)
        return number.isMultiple(of: 2) ? .started(number, at: date) : .stopped(number, at: date)
    }

    @Test(
        "however a batch is shuffled, duplicated and cut, each session event counts once",
        arguments: 1...25 as ClosedRange<UInt64>)
    func shuffled(seed: UInt64) throws {
        var inOrder = downloaded
        try inOrder.execute(.recordSessions(sessions, policy: policy))
        #expect(inOrder.plays == 20)
        #expect(inOrder.sessions.count == 40)
        #expect(inOrder.status == .downloaded)
        #expect(inOrder.firstPlayedAt == start)
        #expect(inOrder.lastSessionAt == start + .minutes(390))

        var generator = Generator(state: seed)
        var deliveries = sessions + sessions.filter { _ in Bool.random(using: &generator) }
        deliveries.shuffle(using: &generator)
        var license = downloaded
        var recorded = 0
        while !deliveries.isEmpty {
            let batch = Array(deliveries.prefix(.random(in: 1...9, using: &generator)))
            deliveries.removeFirst(batch.count)
            recorded += try license.execute(.recordSessions(batch, policy: policy)).count
        }
        #expect(recorded == 40)
        #expect(license == inOrder)
    }

    @Test("a batch is recorded in the order in which it occurred, a duplicate in it once")
    func orderInABatch() throws {
        let (first, second) = (License.Session.started(5, at: start), License.Session.stopped(4, at: start + .minutes(1)))
        let events = try downloaded.decide(.recordSessions([second, first, second, first], policy: policy), at: start)
        #expect(
            events == [
                .playbackStarted(session: .number(5), occurredAt: start),
                .playbackStopped(session: .number(4), occurredAt: start + .minutes(1)),
            ])
    }

    @Test("the latest by occurrence says whether it plays, whatever arrives after it")
    func latestDecides() throws {
        var license = downloaded
        try license.execute(.recordSessions([.started(3, at: start + .minutes(30))], policy: policy))
        #expect(license.status == .playing)
        try license.execute(.recordSessions([.stopped(2, at: start + .minutes(20))], policy: policy))
        #expect(license.status == .playing)
        #expect(license.lastSessionAt == start + .minutes(30))
        try license.execute(.recordSessions([.stopped(4, at: start + .minutes(40))], policy: policy))
        #expect(license.status == .downloaded)
        try license.execute(.recordSessions([.started(1, at: start + .minutes(10))], policy: policy))
        #expect(license.status == .downloaded)
        #expect(license.firstPlayedAt == start + .minutes(10))
        #expect(license.plays == 2)
    }

    @Test("two session events of one instant give the same state in either order of arrival")
    func sameInstant() throws {
        let (started, stopped) = (License.Session.started(1, at: start), License.Session.stopped(2, at: start))
        func arriving(_ batches: [[License.Session]]) throws -> License {
            var license = downloaded
            for batch in batches { try license.execute(.recordSessions(batch, policy: policy)) }
            return license
        }
        #expect(try arriving([[started, stopped]]) == arriving([[stopped, started]]))
        let (one, other) = (try arriving([[started], [stopped]]), try arriving([[stopped], [started]]))
        #expect(one == other)
    }

    @Test("a session counts when it occurred before expiry, also when it arrives after; from expiry on it does not")
    func expiryEdge() throws {
        let before = License.Session.started(5, at: License.expiry - .milliseconds(1))
        let after = License.Session.started(6, at: License.expiry)
        for status in [.downloaded, .playing, .expired] as [License.Status] {
            var license = License.inState(status)
            let plays = license.plays
            let events = try license.execute(.recordSessions([after, before], policy: policy), at: License.expiry + .days(9))
            #expect(events == [.playbackStarted(session: .number(5), occurredAt: before.occurredAt)])
            #expect(license.plays == plays + 1)
            #expect(!license.sessions.contains(.number(6)))
            #expect(license.status == (status == .expired ? .expired : .playing))
        }
    }

    @Test("a session that was too late for one expiry counts after a renewal that covers it")
    func coveredByRenewal() throws {
        var license = License.inState(.expired)
        let session = License.Session.started(5, at: License.expiry + .days(1))
        #expect(try license.execute(.recordSessions([session], policy: policy)) == [])
        try license.execute(.renew(policy: policy, availableUntil: nil), at: License.expiry)
        #expect(try license.execute(.recordSessions([session], policy: policy)).count == 1)
        #expect(license.status == .playing)
    }

    @Test("an expired licence stays expired, whatever its late sessions say")
    func expiredStaysExpired() throws {
        var license = License.inState(.expired)
        try license.execute(
            .recordSessions([.stopped(5, at: start + .hours(5)), .started(6, at: start + .hours(6))], policy: policy))
        #expect(license.status == .expired)
        #expect(license.lastSessionAt == start + .hours(6))
    }
}
