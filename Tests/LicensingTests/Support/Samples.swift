import Daybook
import Foundation
import Licensing
import Testing

/// The time at which everything begins; whole milliseconds, as they come back from the journal.
let start = Date(timeIntervalSince1970: 1_700_000_000)

extension TimeInterval {
    static let millisecond: TimeInterval = 0.001
    static func minutes(_ count: Double) -> TimeInterval { 60 * count }
    static func hours(_ count: Double) -> TimeInterval { 3_600 * count }
    static func days(_ count: Double) -> TimeInterval { 86_400 * count }
}

extension UUID {
    /// The same for the same number, in the order of the numbers.
    static func number(_ number: Int) -> UUID {
        var bytes = [UInt8](repeating: 0, count: 16)
        for index in 0..<8 { bytes[15 - index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}

extension License.Session {
    static func started(_ number: Int, at date: Date) -> License.Session {
        License.Session(id: .number(number), kind: .started, occurredAt: date)
    }

    static func stopped(_ number: Int, at date: Date) -> License.Session {
        License.Session(id: .number(number), kind: .stopped, occurredAt: date)
    }
}

extension Terms {
    /// The default policy, changed.
    static func with(availableUntil: Date? = nil, _ change: (inout Policy) -> Void = { _ in }) -> Terms {
        var policy = Policy()
        change(&policy)
        return Terms(policy, availableUntil: availableUntil)
    }
}

extension License {
    static let expiry = start + .days(30)

    static let created = Event.created(
        member: "m-1", device: "d-1", title: "t-1", studio: "s-1", expiresAt: expiry, policyVersion: 1)

    /// A history that leads to a state. From `downloaded` on it knows session 1; reason and operator of its end are
    /// `lost` and `o-1`.
    static func history(to status: Status) -> [Event] {
        let started: [Event] = [
            created, .downloaded,
            .playbackStarted(session: .number(1), occurredAt: start + .minutes(10), policyVersion: 1),
        ]
        return switch status {
        case .unissued: []
        case .issued: [created]
        case .downloaded: started + [.playbackStopped(session: .number(2), occurredAt: start + .minutes(20))]
        case .playing: started
        case .expired: started + [.expired]
        case .released: started + [.released(reason: "lost")]
        case .revoked: started + [.revoked(reason: "lost", operator: "o-1")]
        }
    }

    /// Every state that accepts more than a retry.
    static let living: [Status] = [.issued, .downloaded, .playing, .expired]
}

extension License.Command {
    static func create(device: String = "d-1", _ terms: Terms = Terms()) -> License.Command {
        .create(member: "m-1", device: device, title: "t-1", studio: "s-1", terms)
    }
}

extension Member.Command {
    static func open(_ number: Int, device: String = "d-1", studio: String = "s-1", _ terms: Terms = Terms())
        -> Member.Command
    {
        .open(license: "L-\(number)", device: device, title: "t-\(number)", studio: studio, terms)
    }
}

extension Member.Event {
    static func opened(_ number: Int, device: String = "d-1", studio: String = "s-1") -> Member.Event {
        .licenseOpened(license: "L-\(number)", device: device, title: "t-\(number)", studio: studio, policyVersion: 1)
    }
}
