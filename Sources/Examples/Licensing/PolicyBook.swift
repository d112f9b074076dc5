public import Foundation

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
