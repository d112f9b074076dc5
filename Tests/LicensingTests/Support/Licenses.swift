import Foundation
import Licensing

/// Noon of the day on which everything begins; whole milliseconds, as they come back from the journal.
let start = Date(timeIntervalSince1970: 1_700_000_000)

extension Date {
    static func + (date: Date, duration: Duration) -> Date {
        date.addingTimeInterval(duration / .seconds(1))
    }

    static func - (date: Date, duration: Duration) -> Date {
        date.addingTimeInterval(-(duration / .seconds(1)))
    }
}

extension Duration {
    static func minutes(_ count: Int) -> Duration { .seconds(60 * count) }
    static func hours(_ count: Int) -> Duration { .seconds(3_600 * count) }
    static func days(_ count: Int) -> Duration { .seconds(86_400 * count) }
}

extension UUID {
    /// The same for the same number, in the order of the numbers.
    static func number(_ number: Int) -> UUID {
        var bytes = [UInt8](repeating: 0, count: 16)
        for index in 0..<8 { bytes[15 - index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}

extension License.Grant {
    static let sample = License.Grant(member: "m-1", device: "d-1", title: "t-1", studio: "s-1")
    static let another = License.Grant(member: "m-1", device: "d-2", title: "t-1", studio: "s-1")
}

extension License.Session {
    static func started(_ number: Int, at date: Date) -> License.Session {
        License.Session(id: .number(number), kind: .started, occurredAt: date)
    }

    static func stopped(_ number: Int, at date: Date) -> License.Session {
        License.Session(id: .number(number), kind: .stopped, occurredAt: date)
    }
}

extension LicensePolicy {
    /// A policy that differs from the default.
    static func with(_ change: (inout LicensePolicy) -> Void) -> LicensePolicy {
        var policy = LicensePolicy()
        change(&policy)
        return policy
    }
}

extension License {
    init(folding events: [Event]) {
        self.init()
        for event in events { apply(event) }
    }

    /// Decides and folds what was decided, as a repository does.
    @discardableResult
    mutating func execute(_ command: Command, at now: Date = start) throws(Rejection) -> [Event] {
        let events = try decide(command, at: now)
        for event in events { apply(event) }
        return events
    }

    static let expiry = start + .days(30)

    /// A licence in this state, with a history that fits. From `downloaded` on it knows session 1; reason and operator of its end are
    /// `lost` and `o-1`.
    static func inState(_ status: Status) -> License {
        let created: [Event] = [.created(grant: .sample, expiresAt: expiry, policyVersion: 1)]
        let started: [Event] = [.downloaded, .playbackStarted(session: .number(1), occurredAt: start + .minutes(10))]
        let stopped: [Event] = [.playbackStopped(session: .number(2), occurredAt: start + .minutes(20))]
        let license =
            switch status {
            case .unissued: License()
            case .issued: License(folding: created)
            case .downloaded: License(folding: created + started + stopped)
            case .playing: License(folding: created + started)
            case .expired: License(folding: created + started + [.expired])
            case .released: License(folding: created + started + [.released(reason: "lost")])
            case .revoked: License(folding: created + started + [.revoked(reason: "lost", operator: "o-1")])
            }
        precondition(license.status == status, "the history leads to another state")
        return license
    }
}
