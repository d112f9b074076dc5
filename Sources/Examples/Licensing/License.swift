public import Daybook
public import Foundation

/// The life of one licence: it lets one device play one download offline, until it expires, is released or is revoked.
///
/// ```
/// unissued -> issued -> downloaded <-> playing
/// issued, downloaded, playing -> expired -> (renew) downloaded
/// issued, downloaded, playing, expired -> released | revoked
/// ```
public struct License: Aggregate, Equatable {
    /// The status of a licence.
    public enum Status: String, Codable, Sendable, CaseIterable {
        case unissued, issued, downloaded, playing, expired, released, revoked

        /// Whether the licence is over: it accepts only identical retries, and no longer occupies its device's slot. An
        /// expired licence is not final.
        public var isFinal: Bool { self == .released || self == .revoked }
    }

    /// The events of a licence. Each stores the decision and the version of the policy, never the rule.
    public enum Event: Codable, Sendable, Equatable {
        case created(member: String, device: String, title: String, studio: String, expiresAt: Date, policyVersion: Int)
        case downloaded
        case playbackStarted(session: UUID, occurredAt: Date, policyVersion: Int)
        case playbackStopped(session: UUID, occurredAt: Date)
        case renewed(expiresAt: Date, policyVersion: Int)
        case expired
        case released(reason: String)
        case revoked(reason: String, operator: String)
        case expiryCorrected(expiresAt: Date, reason: String, operator: String)
    }

    /// `license`
    public static let type: AggregateType = "license"
    /// The fields that licences are queried by.
    public static let fields: [Field<License>] = [
        Field("member", \.member, indexed: true), Field("device", \.device), Field("title", \.title, indexed: true),
        Field("studio", \.studio), Field("status", \.status, indexed: true),
        Field("expiresAt", \.expiresAt, indexed: true),
        Field("renewals", \.renewals), Field("plays", \.plays), Field("policyVersion", \.policyVersion),
    ]

    public internal(set) var status = Status.unissued
    /// The member who holds the licence.
    public internal(set) var member = ""
    /// The only device that may play the title.
    public internal(set) var device = ""
    /// The title that it decrypts.
    public internal(set) var title = ""
    /// The owner of the title.
    public internal(set) var studio = ""
    public internal(set) var expiresAt: Date?
    public internal(set) var renewals = 0
    public internal(set) var plays = 0
    public internal(set) var firstPlayedAt: Date?
    /// The version of the policy that the last issue or renewal was decided under.
    public internal(set) var policyVersion = 0
    /// The reason for releasing or revoking it.
    public internal(set) var reason: String?
    /// The operator who revoked it.
    public internal(set) var `operator`: String?
    /// When the latest known session event occurred.
    public internal(set) var lastSessionAt: Date?
    /// The session events that were counted.
    public internal(set) var sessions: Set<UUID> = []

    /// A licence that has not been issued.
    public init() {}

    /// The state after `event`.
    public mutating func apply(_ event: Event) {
        switch event {
        case .created(let member, let device, let title, let studio, let expiresAt, let policyVersion):
            self.member = member
            self.device = device
            self.title = title
            self.studio = studio
            status = .issued
            self.expiresAt = expiresAt
            self.policyVersion = policyVersion
        case .downloaded:
            status = .downloaded
        case .playbackStarted(let session, let occurredAt, _):
            plays = plays.next
            firstPlayedAt = min(firstPlayedAt ?? occurredAt, occurredAt)
            record(session, occurredAt, .playing)
        case .playbackStopped(let session, let occurredAt):
            record(session, occurredAt, .downloaded)
        case .renewed(let expiresAt, let policyVersion):
            if status == .expired { status = .downloaded }
            self.expiresAt = expiresAt
            self.policyVersion = policyVersion
            renewals = renewals.next
        case .expired:
            status = .expired
        case .released(let reason):
            status = .released
            self.reason = reason
        case .revoked(let reason, let `operator`):
            status = .revoked
            self.reason = reason
            self.operator = `operator`
        case .expiryCorrected(let expiresAt, _, _):
            if status == .expired { status = .downloaded }
            self.expiresAt = expiresAt
        }
    }

    /// Session events arrive late and shuffled. The event that occurred last decides whether the licence is playing; of
    /// two at one instant, the one that stops. An expired licence stays expired.
    private mutating func record(_ session: UUID, _ occurredAt: Date, _ playback: Status) {
        sessions.insert(session)
        let last = lastSessionAt ?? .distantPast
        guard occurredAt > last || occurredAt == last && playback == .downloaded else { return }
        lastSessionAt = occurredAt
        if status != .expired { status = playback }
    }
}
