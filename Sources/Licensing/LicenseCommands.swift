public import Foundation

/// What the business allows, at one version of its policy. An event stores what came of it and the version, never the rule.
public struct LicensePolicy: Sendable, Hashable {
    /// Which policy this is; events name it.
    public var version = 1
    /// How long a licence runs from its issue or renewal.
    public var licenseDays = 30
    /// How often a licence may be renewed.
    public var maximumRenewals = 5
    /// Nil for any number of plays.
    public var maximumPlays: Int?
    /// How long after the first play it may be played.
    public var playWindow: TimeInterval = 48 * 3600

    /// The policy in force unless the business says otherwise.
    public init() {}

    /// The earlier of the licence's days and the end of the title's availability.
    func expiry(from now: Date, availableUntil: Date?) -> Date {
        let end = now.addingTimeInterval(TimeInterval(licenseDays) * 86_400)
        return min(end, availableUntil ?? end)
    }
}

extension License {
    /// One thing a device reports of its playback.
    public struct Session: Sendable, Hashable {
        /// Whether playback began or ended.
        public enum Kind: String, Sendable { case started, stopped }

        /// The device's own id of what happened; it counts once, however often it is reported.
        public var id: UUID
        /// What happened.
        public var kind: Kind
        /// When it happened, by the device.
        public var occurredAt: Date

        /// One report.
        public init(id: UUID, kind: Kind, occurredAt: Date) {
            self.id = id
            self.kind = kind
            self.occurredAt = occurredAt
        }
    }

    /// What can be asked of a licence. The policy in force comes with the command; the licence does not look it up.
    public enum Command: Sendable {
        /// `availableUntil` is the end of the title's availability, where it has one.
        case create(Grant, policy: LicensePolicy, availableUntil: Date?)
        case confirmDownload
        case recordSessions([Session], policy: LicensePolicy)
        case renew(policy: LicensePolicy, availableUntil: Date?)
        case expire
        case release(reason: String)
        case revoke(reason: String, operator: String)
    }

    /// A refusal: `reason` for machines, and the limit that was met, where there is one.
    public struct Rejection: Error, Sendable, Hashable {
        /// Why, for machines.
        public enum Reason: String, Sendable {
            case illegalTransition, licenseFinal, playLimitReached, playWindowOver, renewalLimitReached, titleUnavailable
        }

        /// Why the command was refused.
        public var reason: Reason
        /// The limit that was met, where there is one.
        public var limit: Int?

        /// A refusal.
        public init(_ reason: Reason, limit: Int? = nil) {
            self.reason = reason
            self.limit = limit
        }
    }

    /// Which events `command` leads to in this state at `now`; none for an identical retry.
    ///
    /// - Throws: ``Rejection``
    public func decide(_ command: Command, at now: Date) throws(Rejection) -> [Event] {
        if status.isFinal { return try decideFinal(command) }
        switch command {
        case .create(let grant, let policy, let availableUntil):
            if grant == self.grant { return [] }
            guard status == .unissued else { throw Rejection(.illegalTransition) }
            if let availableUntil, availableUntil <= now { throw Rejection(.titleUnavailable) }
            let expiresAt = policy.expiry(from: now, availableUntil: availableUntil)
            return [.created(grant: grant, expiresAt: expiresAt, policyVersion: policy.version)]
        case .confirmDownload:
            if status == .downloaded { return [] }
            guard status == .issued else { throw Rejection(.illegalTransition) }
            return [.downloaded]
        case .recordSessions(let sessions, let policy):
            return try decide(sessions, policy)
        case .renew(let policy, let availableUntil):
            guard status != .unissued else { throw Rejection(.illegalTransition) }
            guard renewals < policy.maximumRenewals else { throw Rejection(.renewalLimitReached, limit: policy.maximumRenewals) }
            if let availableUntil, availableUntil <= now { throw Rejection(.titleUnavailable) }
            return [.renewed(expiresAt: policy.expiry(from: now, availableUntil: availableUntil), policyVersion: policy.version)]
        case .expire:
            if status == .expired { return [] }
            guard let expiresAt, expiresAt <= now else { throw Rejection(.illegalTransition) }
            return [.expired]
        case .release(let reason):
            guard status != .unissued else { throw Rejection(.illegalTransition) }
            return [.released(reason: reason)]
        case .revoke(let reason, let `operator`):
            guard status != .unissued else { throw Rejection(.illegalTransition) }
            return [.revoked(reason: reason, operator: `operator`)]
        }
    }

    private func decideFinal(_ command: Command) throws(Rejection) -> [Event] {
        switch command {
        case .release(let reason) where status == .released && reason == self.reason: return []
        case .revoke(let reason, let `operator`) where status == .revoked && reason == self.reason && `operator` == self.operator:
            return []
        case .create(let grant, _, _) where grant == self.grant: return []
        case .recordSessions(let batch, _) where batch.allSatisfy({ sessions.contains($0.id) }): return []
        default: throw Rejection(.licenseFinal)
        }
    }

    /// Each session event counts once, by when it occurred, and only if that was before expiry.
    private func decide(_ batch: [Session], _ policy: LicensePolicy) throws(Rejection) -> [Event] {
        guard let expiresAt, status != .issued else { throw Rejection(.illegalTransition) }
        var seen = sessions
        var plays = plays
        var firstPlayedAt = firstPlayedAt
        var events: [Event] = []
        for session in batch.sorted(by: { ($0.occurredAt, $0.id.uuidString) < ($1.occurredAt, $1.id.uuidString) }) {
            guard session.occurredAt < expiresAt, seen.insert(session.id).inserted else { continue }
            switch session.kind {
            case .started:
                if let limit = policy.maximumPlays, plays >= limit { throw Rejection(.playLimitReached, limit: limit) }
                if let first = firstPlayedAt, session.occurredAt > first.addingTimeInterval(policy.playWindow) {
                    throw Rejection(.playWindowOver, limit: Int(policy.playWindow))
                }
                plays += 1
                firstPlayedAt = min(firstPlayedAt ?? session.occurredAt, session.occurredAt)
                events.append(.playbackStarted(session: session.id, occurredAt: session.occurredAt))
            case .stopped:
                events.append(.playbackStopped(session: session.id, occurredAt: session.occurredAt))
            }
        }
        return events
    }
}
