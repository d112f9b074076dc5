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

/// Every policy there has been or is to be: which one is in force is a question of time.
public struct PolicyBook: Codable, Sendable, Hashable {
    private let policies: [Policy]

    /// - Precondition: There is a policy. The earliest also decides what came before it.
    public init(_ policies: [Policy]) {
        precondition(!policies.isEmpty, "a business without any policy")
        self.policies = policies.sorted { $0.effectiveFrom < $1.effectiveFrom }
    }

    /// One policy, for all time.
    public static let standard = PolicyBook([Policy()])

    /// The policy in force at `date`.
    public func policy(at date: Date) -> Policy {
        policies.last { $0.effectiveFrom <= date } ?? policies[0]
    }
}

/// What a command is decided under: the policy in force, and what is known of the title's availability.
///
/// It is no part of what the command says, so it encodes as nothing: a retry that meets another policy is the same command.
public struct Terms: Sendable, Hashable {
    /// The policy in force.
    public var policy: Policy
    /// The end of the title's availability, where it has one.
    public var availableUntil: Date?

    /// Terms.
    public init(_ policy: Policy = Policy(), availableUntil: Date? = nil) {
        self.policy = policy
        self.availableUntil = availableUntil
    }

    /// When a licence ends that is issued or renewed at `now`.
    ///
    /// - Throws: ``Refusal/Reason/titleUnavailable``
    func expiry(from now: Date) throws(Refusal) -> Date {
        let end = now + Double(policy.licenseDays) * 86_400
        guard let availableUntil else { return end }
        guard now < availableUntil else { throw Refusal(.titleUnavailable) }
        return min(end, availableUntil)
    }
}

extension Terms: Encodable {
    private enum NoKey: CodingKey {}

    /// Nothing.
    public func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: NoKey.self)
    }
}
