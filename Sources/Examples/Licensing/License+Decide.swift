public import Foundation

extension License {
    /// One playback event that a device reports.
    public struct Session: Codable, Sendable, Hashable {
        /// Whether playback began or ended.
        public enum Kind: String, Codable, Sendable { case started, stopped }

        /// The device's own id of the event. The event counts once, however often it is reported.
        public var id: UUID
        /// What happened.
        public var kind: Kind
        /// When it happened, by the device's clock.
        public var occurredAt: Date

        /// A playback event.
        public init(id: UUID, kind: Kind, occurredAt: Date) {
            self.id = id
            self.kind = kind
            self.occurredAt = occurredAt
        }
    }

    /// The commands of a licence. A command carries its terms, because the licence cannot look them up.
    public enum Command: Encodable, Sendable {
        case create(member: String, device: String, title: String, studio: String, Terms)
        case confirmDownload
        case recordSessions([Session], Terms)
        case renew(Terms)
        case expire
        case release(reason: String)
        case revoke(reason: String, operator: String)
        case correctExpiry(to: Date, reason: String, operator: String)
    }

    /// The events of `command` in this state at `now`; none for an identical retry.
    public func decide(_ command: Command, at now: Date) throws(Refusal) -> [Event] {
        if isRetry(command) { return [] }
        guard !status.isFinal else { throw Refusal(.licenseFinal) }
        if case .create(let member, let device, let title, let studio, let terms) = command {
            guard status == .unissued else { throw Refusal(.illegalTransition) }
            return [
                .created(
                    member: member, device: device, title: title, studio: studio,
                    expiresAt: try terms.expiry(from: now),
                    policyVersion: terms.policy.version)
            ]
        }
        guard let expiresAt else { throw Refusal(.illegalTransition) }
        switch command {
        case .create, .confirmDownload:
            guard status == .issued else { throw Refusal(.illegalTransition) }
            return [.downloaded]
        case .recordSessions(let batch, let terms):
            guard status != .issued else { throw Refusal(.illegalTransition) }
            return try count(batch.filter { $0.occurredAt < expiresAt }, terms.policy)
        case .renew(let terms):
            let limit = terms.policy.maximumRenewals
            guard renewals < limit else { throw Refusal(.renewalLimitReached, limit: limit) }
            return [.renewed(expiresAt: try terms.expiry(from: now), policyVersion: terms.policy.version)]
        case .expire:
            guard expiresAt <= now else { throw Refusal(.illegalTransition) }
            return [.expired]
        case .release(let reason):
            return [.released(reason: reason)]
        case .revoke(let reason, let `operator`):
            return [.revoked(reason: reason, operator: `operator`)]
        case .correctExpiry(let date, let reason, let `operator`):
            // A corrected expiry in the future makes an expired licence valid again; one in the past leaves it expired.
            let isStillOver = status == .expired && date <= now
            return [.expiryCorrected(expiresAt: date, reason: reason, operator: `operator`)]
                + (isStillOver ? [.expired] : [])
        }
    }

    /// Whether the command repeats what has already happened.
    private func isRetry(_ command: Command) -> Bool {
        switch command {
        case .create(let member, let device, let title, let studio, _):
            status != .unissued
                && (member, device, title, studio) == (self.member, self.device, self.title, self.studio)
        case .confirmDownload: status == .downloaded
        case .recordSessions(let batch, _):
            status != .unissued && status != .issued && batch.allSatisfy { sessions.contains($0.id) }
        case .expire: status == .expired
        case .release(let reason): status == .released && reason == self.reason
        case .revoke(let reason, let `operator`):
            status == .revoked && (reason, `operator`) == (self.reason, self.operator)
        case .correctExpiry(let date, _, _): !status.isFinal && date == expiresAt
        case .renew: false
        }
    }

    /// Counts each session event once, in the order in which the events occurred.
    private func count(_ batch: [Session], _ policy: Policy) throws(Refusal) -> [Event] {
        var (sessions, plays, firstPlayedAt) = (sessions, plays, firstPlayedAt)
        var events: [Event] = []
        for session in batch.sorted(by: { ($0.occurredAt, $0.id.uuidString) < ($1.occurredAt, $1.id.uuidString) }) {
            guard sessions.insert(session.id).inserted else { continue }
            switch session.kind {
            case .stopped:
                events.append(.playbackStopped(session: session.id, occurredAt: session.occurredAt))
            case .started:
                if let limit = policy.maximumPlays, plays >= limit { throw Refusal(.playLimitReached, limit: limit) }
                let first = firstPlayedAt ?? session.occurredAt
                guard session.occurredAt <= first + Double(policy.playWindowHours) * 3_600 else {
                    throw Refusal(.playWindowOver, limit: policy.playWindowHours)
                }
                plays = plays.next
                firstPlayedAt = min(first, session.occurredAt)
                events.append(
                    .playbackStarted(session: session.id, occurredAt: session.occurredAt, policyVersion: policy.version)
                )
            }
        }
        return events
    }
}
