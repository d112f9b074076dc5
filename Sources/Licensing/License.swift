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

        /// Nothing but an identical retry is accepted any more.
        public var isFinal: Bool { self == .released || self == .revoked }
    }

    /// Who may play what, where.
    public struct Grant: Codable, Sendable, Hashable {
        /// Whose licence it is.
        public var member: String
        /// The one device that may play.
        public var device: String
        /// The download it decrypts.
        public var title: String
        /// Who owns the title.
        public var studio: String

        /// A grant.
        public init(member: String, device: String, title: String, studio: String) {
            self.member = member
            self.device = device
            self.title = title
            self.studio = studio
        }
    }

    /// `license`
    public static let type: AggregateType = "license"
    /// What licences are queried by.
    public static let fields: [Field<License>] = [
        Field("status", \.status, indexed: true),
        Field("expiresAt", \.expiresAt, indexed: true),
        Field("renewals", \.renewals),
        Field("plays", \.plays),
    ]

    public internal(set) var status = Status.unissued
    public internal(set) var grant: Grant?
    public internal(set) var expiresAt: Date?
    public internal(set) var renewals = 0
    public internal(set) var plays = 0
    public internal(set) var firstPlayedAt: Date?
    /// The version of the policy that the last event was decided under.
    public internal(set) var policyVersion: Int?
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
}
