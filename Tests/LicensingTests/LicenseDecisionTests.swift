import Foundation
import Licensing
import Testing

/// Every command in every state: what it does, and where it leads.
///
/// Switches without a default and a check of the table's own completeness see to it that nobody adds a state or a command and forgets it.
@Suite("License: commands by state")
struct LicenseDecisionTests {
    enum Outcome: Equatable, Sendable {
        /// The command's events, which lead to this state.
        case leads(License.Status)
        /// An identical retry: no events, no refusal.
        case nothing
        case refused(License.Rejection.Reason)
    }

    /// A command as it can meet a licence.
    enum Case: String, CaseIterable, Sendable {
        case create, createForAnother, confirmDownload
        case recordNewSession, recordKnownSession, recordNoSession, recordSessionAfterExpiry
        case renew, expireTooEarly, expireAtExpiry
        case release, releaseForTheSameReason, revoke, revokeForTheSameReason

        var command: License.Command {
            let policy = LicensePolicy.with { $0.version = 7 }
            return switch self {
            case .create: .create(.sample, policy: policy, availableUntil: nil)
            case .createForAnother: .create(.another, policy: policy, availableUntil: nil)
            case .confirmDownload: .confirmDownload
            case .recordNewSession: .recordSessions([.started(3, at: start + .minutes(30))], policy: policy)
            case .recordKnownSession: .recordSessions([.started(1, at: start + .minutes(10))], policy: policy)
            case .recordNoSession: .recordSessions([], policy: policy)
            case .recordSessionAfterExpiry: .recordSessions([.started(4, at: License.expiry)], policy: policy)
            case .renew: .renew(policy: policy, availableUntil: nil)
            case .expireTooEarly, .expireAtExpiry: .expire
            case .release: .release(reason: "done")
            case .releaseForTheSameReason: .release(reason: "lost")
            case .revoke: .revoke(reason: "abuse", operator: "o-1")
            case .revokeForTheSameReason: .revoke(reason: "lost", operator: "o-1")
            }
        }

        var now: Date {
            self == .expireAtExpiry ? License.expiry : start + .hours(1)
        }

        /// What it appends wherever it is accepted.
        var events: [License.Event] {
            let expiresAt = start + .hours(1) + .days(30)
            return switch self {
            case .create: [.created(grant: .sample, expiresAt: expiresAt, policyVersion: 7)]
            case .createForAnother: [.created(grant: .another, expiresAt: expiresAt, policyVersion: 7)]
            case .confirmDownload: [.downloaded]
            case .recordNewSession: [.playbackStarted(session: .number(3), occurredAt: start + .minutes(30))]
            case .recordKnownSession, .recordNoSession, .recordSessionAfterExpiry: []
            case .renew: [.renewed(expiresAt: expiresAt, policyVersion: 7)]
            case .expireTooEarly, .expireAtExpiry: [.expired]
            case .release: [.released(reason: "done")]
            case .releaseForTheSameReason: [.released(reason: "lost")]
            case .revoke: [.revoked(reason: "abuse", operator: "o-1")]
            case .revokeForTheSameReason: [.revoked(reason: "lost", operator: "o-1")]
            }
        }

        func outcome(in status: License.Status) -> Outcome {
            switch self {
            case .create:
                switch status {
                case .unissued: .leads(.issued)
                case .issued, .downloaded, .playing, .expired, .released, .revoked: .nothing
                }
            case .createForAnother:
                switch status {
                case .unissued: .leads(.issued)
                case .issued, .downloaded, .playing, .expired: .refused(.illegalTransition)
                case .released, .revoked: .refused(.licenseFinal)
                }
            case .confirmDownload:
                switch status {
                case .issued: .leads(.downloaded)
                case .downloaded: .nothing
                case .unissued, .playing, .expired: .refused(.illegalTransition)
                case .released, .revoked: .refused(.licenseFinal)
                }
            case .recordNewSession:
                switch status {
                case .downloaded, .playing: .leads(.playing)
                case .expired: .leads(.expired)
                case .unissued, .issued: .refused(.illegalTransition)
                case .released, .revoked: .refused(.licenseFinal)
                }
            case .recordKnownSession, .recordNoSession:
                switch status {
                case .downloaded, .playing, .expired, .released, .revoked: .nothing
                case .unissued, .issued: .refused(.illegalTransition)
                }
            case .recordSessionAfterExpiry:
                switch status {
                case .downloaded, .playing, .expired: .nothing
                case .unissued, .issued: .refused(.illegalTransition)
                case .released, .revoked: .refused(.licenseFinal)
                }
            case .renew:
                switch status {
                case .issued: .leads(.issued)
                case .downloaded, .expired: .leads(.downloaded)
                case .playing: .leads(.playing)
                case .unissued: .refused(.illegalTransition)
                case .released, .revoked: .refused(.licenseFinal)
                }
            case .expireTooEarly:
                switch status {
                case .expired: .nothing
                case .unissued, .issued, .downloaded, .playing: .refused(.illegalTransition)
                case .released, .revoked: .refused(.licenseFinal)
                }
            case .expireAtExpiry:
                switch status {
                case .issued, .downloaded, .playing: .leads(.expired)
                case .expired: .nothing
                case .unissued: .refused(.illegalTransition)
                case .released, .revoked: .refused(.licenseFinal)
                }
            case .release, .releaseForTheSameReason:
                switch status {
                case .issued, .downloaded, .playing, .expired: .leads(.released)
                case .unissued: .refused(.illegalTransition)
                case .released: self == .releaseForTheSameReason ? .nothing : .refused(.licenseFinal)
                case .revoked: .refused(.licenseFinal)
                }
            case .revoke, .revokeForTheSameReason:
                switch status {
                case .issued, .downloaded, .playing, .expired: .leads(.revoked)
                case .unissued: .refused(.illegalTransition)
                case .released: .refused(.licenseFinal)
                case .revoked: self == .revokeForTheSameReason ? .nothing : .refused(.licenseFinal)
                }
            }
        }
    }

    @Test("each command in each state appends its events and leads on, or does nothing, or is refused", arguments: Case.allCases)
    func table(example: Case) {
        for status in License.Status.allCases {
            let license = License.inState(status)
            let outcome: Outcome
            do {
                var next = license
                let events = try next.execute(example.command, at: example.now)
                #expect(events.isEmpty || events == example.events, "\(status)")
                outcome = events.isEmpty ? .nothing : .leads(next.status)
            } catch {
                #expect(error.limit == nil)
                outcome = .refused(error.reason)
            }
            #expect(outcome == example.outcome(in: status), "\(example) in \(status)")
        }
    }

    @Test("the table has every command of the aggregate")
    func everyCommand() {
        enum Kind: CaseIterable { case create, confirmDownload, recordSessions, renew, expire, release, revoke }
        func kind(_ command: License.Command) -> Kind {
            switch command {
            case .create: .create
            case .confirmDownload: .confirmDownload
            case .recordSessions: .recordSessions
            case .renew: .renew
            case .expire: .expire
            case .release: .release
            case .revoke: .revoke
            }
        }
        #expect(Set(Case.allCases.map { kind($0.command) }) == Set(Kind.allCases))
    }

    @Test("the table has every refusal that the state alone can cause, every event and every state")
    func everyOutcome() {
        let outcomes = Case.allCases.flatMap { example in License.Status.allCases.map { example.outcome(in: $0) } }
        for reason in [.illegalTransition, .licenseFinal] as [License.Rejection.Reason] {
            #expect(outcomes.contains(.refused(reason)))
        }
        for status in License.Status.allCases where status != .unissued { #expect(outcomes.contains(.leads(status))) }
    }

    @Test("released and revoked are final, and nothing else is")
    func final() {
        #expect(License.Status.allCases.filter(\.isFinal) == [.released, .revoked])
    }

    @Test("whatever was accepted does nothing, or is refused, when it is tried again at once", arguments: Case.allCases)
    func retry(example: Case) throws {
        // A renewal is a new fact each time; its retry is told by its command id.
        guard example != .renew else { return }
        for status in License.Status.allCases {
            var license = License.inState(status)
            guard let events = try? license.execute(example.command, at: example.now), !events.isEmpty else { continue }
            let after = license
            #expect(try license.execute(example.command, at: example.now) == [], "\(example) in \(status)")
            #expect(license == after)
        }
    }

    @Test("a final licence accepts only the identical retry: another operator's revocation is another")
    func otherOperator() {
        let license = License.inState(.revoked)
        #expect(throws: License.Rejection(.licenseFinal)) {
            try license.decide(.revoke(reason: "lost", operator: "o-2"), at: start)
        }
    }

    @Test("a final licence refuses a batch in which a single session is new")
    func finalWithNewSession() {
        for status in [.released, .revoked] as [License.Status] {
            let batch: [License.Session] = [.started(1, at: start + .minutes(10)), .stopped(9, at: start + .minutes(11))]
            #expect(throws: License.Rejection(.licenseFinal)) {
                try License.inState(status).decide(.recordSessions(batch, policy: LicensePolicy()), at: start)
            }
        }
    }

    @Test("a decision depends on state, command and time alone, and changes nothing")
    func purity() throws {
        for status in License.Status.allCases {
            let license = License.inState(status)
            for example in Case.allCases {
                let first = Result { try license.decide(example.command, at: example.now) }
                let second = Result { try license.decide(example.command, at: example.now) }
                #expect((try? first.get()) == (try? second.get()))
                #expect(license == License.inState(status))
            }
        }
    }
}
