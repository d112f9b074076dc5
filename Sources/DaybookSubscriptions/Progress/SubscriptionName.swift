public import Daybook

/// The name of a subscription: `member-overview`. It names its postings and, for a projection, its view.
///
/// `[a-z][a-z0-9-]*`, at most 64 characters.
public struct SubscriptionName: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as it is stored.
    public let rawValue: String

    /// - Throws: `invalidArgument` when the name breaks the rule.
    public init(_ rawValue: String) throws(DaybookError) {
        guard AggregateType(rawValue: rawValue) != nil else {
            throw DaybookError(
                .invalidArgument,
                "\"\(rawValue)\" cannot be the name of a subscription: a name is [a-z][a-z0-9-]*, at most 64 "
                    + "characters")
        }
        self.rawValue = rawValue
    }

    /// - Precondition: The literal follows the rule.
    public init(stringLiteral value: StaticString) {
        // The rule is that of an aggregate type, and so is the check.
        rawValue = AggregateType(stringLiteral: value).rawValue
    }

    /// The name as it is stored.
    public var description: String { rawValue }

    /// By bytes.
    public static func < (left: SubscriptionName, right: SubscriptionName) -> Bool { left.rawValue < right.rawValue }
}
