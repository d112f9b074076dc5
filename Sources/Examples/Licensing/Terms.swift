public import Foundation

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
