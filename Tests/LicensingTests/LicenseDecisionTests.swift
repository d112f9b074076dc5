import DaybookTesting
import Foundation
import Licensing
import Testing

/// Every command in every state: its events, or its refusal.
@Suite("License: commands by state")
struct LicenseDecisionTests {
    enum Outcome: Equatable, Sendable {
        /// The command's events, which lead to this state.
        case leads(License.Status)
        /// An identical retry: no events, no refusal.
        case nothing
        case refused(Refusal.Reason)
    }

    /// A command as it can meet a licence, and what it appends wherever it is accepted.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let command: License.Command
        var now = start + .hours(1)
        var events: [License.Event] = []
        /// By state, in the order of `License.Status.allCases`.
        let outcomes: [Outcome]

        var testDescription: String { name }
    }

    private static let terms = Terms.with { $0.version = 7 }
    private static let renewedUntil = start + .hours(1) + .days(30)
    private static let illegal = Outcome.refused(.illegalTransition)
    private static let final = Outcome.refused(.licenseFinal)

    // Columns: unissued, issued, downloaded, playing, expired, released, revoked.
    static let cases: [Case] = [
        Case(
            name: "create", command: .create(terms),
            events: [
                .created(
                    member: "m-1", device: "d-1", title: "t-1", studio: "s-1", expiresAt: renewedUntil, policyVersion: 7
                )
            ], outcomes: [.leads(.issued), .nothing, .nothing, .nothing, .nothing, .nothing, .nothing]),
        Case(
            name: "create for another device", command: .create(device: "d-2", terms),
            events: [
                .created(
                    member: "m-1", device: "d-2", title: "t-1", studio: "s-1", expiresAt: renewedUntil, policyVersion: 7
                )
            ], outcomes: [.leads(.issued), illegal, illegal, illegal, illegal, final, final]),
        Case(
            name: "confirmDownload", command: .confirmDownload, events: [.downloaded],
            outcomes: [illegal, .leads(.downloaded), .nothing, illegal, illegal, final, final]),
        Case(
            name: "record a new session", command: .recordSessions([.started(3, at: start + .minutes(30))], terms),
            events: [.playbackStarted(session: .number(3), occurredAt: start + .minutes(30), policyVersion: 7)],
            outcomes: [illegal, illegal, .leads(.playing), .leads(.playing), .leads(.expired), final, final]),
        Case(
            name: "record a known session", command: .recordSessions([.started(1, at: start + .minutes(10))], terms),
            outcomes: [illegal, illegal, .nothing, .nothing, .nothing, .nothing, .nothing]),
        Case(
            name: "record no session", command: .recordSessions([], terms),
            outcomes: [illegal, illegal, .nothing, .nothing, .nothing, .nothing, .nothing]),
        Case(
            name: "record a session after expiry", command: .recordSessions([.started(4, at: License.expiry)], terms),
            outcomes: [illegal, illegal, .nothing, .nothing, .nothing, final, final]),
        Case(
            name: "renew", command: .renew(terms), events: [.renewed(expiresAt: renewedUntil, policyVersion: 7)],
            outcomes: [
                illegal, .leads(.issued), .leads(.downloaded), .leads(.playing), .leads(.downloaded), final, final,
            ]),
        Case(
            name: "expire too early", command: .expire, now: License.expiry - .millisecond,
            outcomes: [illegal, illegal, illegal, illegal, .nothing, final, final]),
        Case(
            name: "expire", command: .expire, now: License.expiry, events: [.expired],
            outcomes: [illegal, .leads(.expired), .leads(.expired), .leads(.expired), .nothing, final, final]),
        Case(
            name: "release", command: .release(reason: "done"), events: [.released(reason: "done")],
            outcomes: [illegal] + Array(repeating: .leads(.released), count: 4) + [final, final]),
        Case(
            name: "release for the same reason", command: .release(reason: "lost"), events: [.released(reason: "lost")],
            outcomes: [illegal] + Array(repeating: .leads(.released), count: 4) + [.nothing, final]),
        Case(
            name: "revoke", command: .revoke(reason: "lost", operator: "o-2"),
            events: [.revoked(reason: "lost", operator: "o-2")],
            outcomes: [illegal] + Array(repeating: .leads(.revoked), count: 4) + [final, final]),
        Case(
            name: "revoke for the same reason by the same operator", command: .revoke(reason: "lost", operator: "o-1"),
            events: [.revoked(reason: "lost", operator: "o-1")],
            outcomes: [illegal] + Array(repeating: .leads(.revoked), count: 4) + [final, .nothing]),
        Case(
            name: "correct the expiry to a later date",
            command: .correctExpiry(to: License.expiry + .days(7), reason: "outage", operator: "o-1"),
            events: [.expiryCorrected(expiresAt: License.expiry + .days(7), reason: "outage", operator: "o-1")],
            outcomes: [
                illegal, .leads(.issued), .leads(.downloaded), .leads(.playing), .leads(.downloaded), final, final,
            ]),
        Case(
            name: "correct the expiry to what it is",
            command: .correctExpiry(to: License.expiry, reason: "outage", operator: "o-1"),
            outcomes: [illegal, .nothing, .nothing, .nothing, .nothing, final, final]),
    ]

    @Test("every state answers every command as the table says", arguments: cases)
    func table(_ row: Case) throws {
        #expect(row.outcomes.count == License.Status.allCases.count)
        for (status, outcome) in zip(License.Status.allCases, row.outcomes) {
            let decided = try Scenario(License.self).given(License.history(to: status)).when(row.command, at: row.now)
            switch outcome {
            case .leads(let next): try decided.then(row.events).thenState { #expect($0.status == next, "\(status)") }
            case .nothing: try decided.thenNothing()
            case .refused(let reason): try decided.thenRejected(Refusal(reason))
            }
        }
    }

    @Test("the table has every command")
    func complete() {
        /// Without a default: a new command does not compile before it is here.
        func name(_ command: License.Command) -> String {
            switch command {
            case .create: "create"
            case .confirmDownload: "confirmDownload"
            case .recordSessions: "recordSessions"
            case .renew: "renew"
            case .expire: "expire"
            case .release: "release"
            case .revoke: "revoke"
            case .correctExpiry: "correctExpiry"
            }
        }
        #expect(Set(Self.cases.map { name($0.command) }).count == 8)
    }
}
