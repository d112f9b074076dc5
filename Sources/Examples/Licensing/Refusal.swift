/// Why a command is refused: a reason for machines, and the limit that was met, where there is one. A refusal appends nothing.
public struct Refusal: Error, Sendable, Hashable {
    /// Why, for machines.
    public enum Reason: String, Sendable, CaseIterable {
        case deviceLimitReached, studioLimitReached, titleYearlyLimitReached, licenseAlreadyOpen
        case playLimitReached, playWindowOver, renewalLimitReached, titleUnavailable
        case licenseFinal, illegalTransition
    }

    /// Why, for machines.
    public var reason: Reason
    /// The limit that was met, where there is one; of ``Reason/playWindowOver`` in hours.
    public var limit: Int?

    /// A refusal.
    public init(_ reason: Reason, limit: Int? = nil) {
        self.reason = reason
        self.limit = limit
    }
}
