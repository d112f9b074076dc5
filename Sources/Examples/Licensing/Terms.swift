public import Foundation

/// What a command is decided under: the policy in force, and the title's availability.
///
/// The terms are not part of the command's content, so they encode as nothing: a retry under another policy is the same
/// command.
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

    /// The expiry of a licence that is issued or renewed at `now`.
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

    /// Encodes nothing.
    public func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: NoKey.self)
    }
}
