public import Foundation

extension License {
    /// What can have happened to a licence. Each stores what was decided and the version of the policy, never the rule.
    public enum Event: Codable, Sendable, Equatable {
        case created(grant: Grant, expiresAt: Date, policyVersion: Int)
        case downloaded
        case playbackStarted(session: UUID, occurredAt: Date)
        case playbackStopped(session: UUID, occurredAt: Date)
        case renewed(expiresAt: Date, policyVersion: Int)
        case expired
        case released(reason: String)
        case revoked(reason: String, operator: String)
    }

    /// The state after `event`.
    public mutating func apply(_ event: Event) {
        switch event {
        case .created(let grant, let expiresAt, let policyVersion):
            status = .issued
            self.grant = grant
            self.expiresAt = expiresAt
            self.policyVersion = policyVersion
        case .downloaded:
            status = .downloaded
        case .playbackStarted(let session, let occurredAt):
            plays += 1
            firstPlayedAt = min(firstPlayedAt ?? occurredAt, occurredAt)
            record(session, occurredAt, .playing)
        case .playbackStopped(let session, let occurredAt):
            record(session, occurredAt, .downloaded)
        case .renewed(let expiresAt, let policyVersion):
            if status == .expired { status = .downloaded }
            self.expiresAt = expiresAt
            self.policyVersion = policyVersion
            renewals += 1
        case .expired:
            status = .expired
        case .released(let reason):
            status = .released
            self.reason = reason
        case .revoked(let reason, let `operator`):
            status = .revoked
            self.reason = reason
            self.operator = `operator`
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
