public import Foundation

/// All past and future policies. The time decides which one is in force.
public struct PolicyBook: Codable, Sendable, Hashable {
    private let policies: [Policy]

    /// - Precondition: `policies` is not empty. The earliest policy also applies to the time before it.
    public init(_ policies: [Policy]) {
        precondition(!policies.isEmpty, "a business without any policy")
        self.policies = policies.sorted { $0.effectiveFrom < $1.effectiveFrom }
    }

    /// A single policy for all time.
    public static let standard = PolicyBook([Policy()])

    /// The policy in force at `date`.
    public func policy(at date: Date) -> Policy {
        policies.last { $0.effectiveFrom <= date } ?? policies[0]
    }
}
