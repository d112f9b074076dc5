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
    /// Where a licence is in its life.
    public enum Status: String, Codable, Sendable, CaseIterable {
        case unissued, issued, downloaded, playing, expired, released, revoked

        /// Nothing but an identical retry is accepted any more, and its device has the place free. Also an expired licence is not final.
        public var isFinal: Bool { self == .released || self == .revoked }
    }

    /// What can have happened to a licence. Each event stores what was decided and the version of the policy, never the rule.
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
    /// What licences are queried by.
    public static let fields: [Field<License>] = [
        Field("member", \.member, indexed: true), Field("device", \.device), Field("title", \.title, indexed: true),
        Field("studio", \.studio), Field("status", \.status, indexed: true), Field("expiresAt", \.expiresAt, indexed: true),
        Field("renewals", \.renewals), Field("plays", \.plays), Field("policyVersion", \.policyVersion),
    ]

    public internal(set) var status = Status.unissued
    /// Whose licence it is.
    public internal(set) var member = ""
    /// The one device that may play.
    public internal(set) var device = ""
    /// The download it decrypts.
    public internal(set) var title = ""
    /// Who owns the title.
    public internal(set) var studio = ""
    public internal(set) var expiresAt: Date?
    public internal(set) var renewals = 0
    public internal(set) var plays = 0
    public internal(set) var firstPlayedAt: Date?
    /// The version of the policy that the last issue or renewal was decided under.
    public internal(set) var policyVersion = 0
    /// Why it was released or revoked.
    public internal(set) var reason: String?
    /// Who revoked it.
    public internal(set) var `operator`: String?
    /// The latest thing that is known of playback, by when it occurred.
    public internal(set) var lastSessionAt: Date?
    /// The session events that were counted.
    public internal(set) var sessions: Set<UUID> = []

    /// A licence that has not been issued.
    public init() {}

    /// The state after `event`.
    public mutating func apply(_ event: Event) {
        switch event {
        case .created(let member, let device, let title, let studio, let expiresAt, let policyVersion):
            (self.member, self.device, self.title, self.studio) = (member, device, title, studio)
            (status, self.expiresAt, self.policyVersion) = (.issued, expiresAt, policyVersion)
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
            (self.expiresAt, self.policyVersion) = (expiresAt, policyVersion)
            renewals = renewals.next
        case .expired:
            status = .expired
        case .released(let reason):
            (status, self.reason) = (.released, reason)
        case .revoked(let reason, let `operator`):
            (status, self.reason, self.operator) = (.revoked, reason, `operator`)
        case .expiryCorrected(let expiresAt, _, _):
            if status == .expired { status = .downloaded }
            self.expiresAt = expiresAt
        }
    }

    /// Session events arrive late and shuffled: the latest by occurrence says whether it plays, of two at one instant the one that stops,
    /// and an expired licence stays expired.
    private mutating func record(_ session: UUID, _ occurredAt: Date, _ playback: Status) {
        sessions.insert(session)
        let last = lastSessionAt ?? .distantPast
        guard occurredAt > last || occurredAt == last && playback == .downloaded else { return }
        lastSessionAt = occurredAt
        if status != .expired { status = playback }
    }
}
