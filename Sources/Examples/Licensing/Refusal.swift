/// Why a command is rejected: a reason for machines, and the limit that was reached, if any. A rejected command appends
/// nothing.
public struct Refusal: Error, Sendable, Hashable {
    /// The reason, for machines.
    public enum Reason: String, Sendable, CaseIterable {
        case deviceLimitReached, studioLimitReached, titleYearlyLimitReached, licenseAlreadyOpen
        case playLimitReached, playWindowOver, renewalLimitReached, titleUnavailable
        case licenseFinal, illegalTransition
    }

    /// The reason, for machines.
    public var reason: Reason
    /// The limit that was reached, if any; for ``Reason/playWindowOver`` in hours.
    public var limit: Int?

    /// A refusal.
    public init(_ reason: Reason, limit: Int? = nil) {
        self.reason = reason
        self.limit = limit
    }
}
