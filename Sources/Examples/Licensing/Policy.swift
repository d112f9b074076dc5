public import Foundation

/// What the business allows, at one version of its policy. An event stores what came of it and the version, never the rule.
public struct Policy: Codable, Sendable, Hashable {
    /// Which policy this is; events name it.
    public var version = 1
    /// From when on it is in force.
    public var effectiveFrom = Date.distantPast
    /// How many devices may hold an open licence, by plan.
    public var devices: [Member.Plan: Int] = [.basic: 1, .standard: 2, .premium: 4]
    /// How many open licences a member may have of one studio.
    public var licensesPerStudio = 25
    /// How often a member may download one title in ``downloadWindowDays``.
    public var downloadsPerTitle = 3
    /// A rolling year.
    public var downloadWindowDays = 365
    /// Nil for any number of plays.
    public var maximumPlays: Int?
    /// How long after the first play it may be played.
    public var playWindowHours = 48
    /// How long a licence runs from its issue or renewal.
    public var licenseDays = 30
    /// How often a licence may be renewed.
    public var maximumRenewals = 5

    /// The policy in force unless the business says otherwise.
    public init() {}
}
