public import Foundation

/// The rules of the business in one version. An event stores the decision and the policy's version, never the rules.
public struct Policy: Codable, Sendable, Hashable {
    /// The version, which events refer to.
    public var version = 1
    /// When it comes into force.
    public var effectiveFrom = Date.distantPast
    /// How many devices may hold an open licence, by plan.
    public var devices: [Member.Plan: Int] = [.basic: 1, .standard: 2, .premium: 4]
    /// How many open licences a member may have of one studio.
    public var licensesPerStudio = 25
    /// How often a member may download one title within ``downloadWindowDays``.
    public var downloadsPerTitle = 3
    /// A rolling year, by default.
    public var downloadWindowDays = 365
    /// The maximum number of plays; nil for no limit.
    public var maximumPlays: Int?
    /// For how long after its first play a title may be played.
    public var playWindowHours = 48
    /// How long a licence is valid after its issue or renewal.
    public var licenseDays = 30
    /// How often a licence may be renewed.
    public var maximumRenewals = 5

    /// The default policy.
    public init() {}
}
