/// The name of a kind of aggregate: `license`. It begins every id of that kind and names its snapshot collection.
///
/// `[a-z][a-z0-9-]*`, at most 64 characters.
public struct AggregateType: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as it is stored.
    public let rawValue: String

    /// Returns nil when `rawValue` breaks the rule.
    public init?(rawValue: String) {
        let bytes = rawValue.utf8
        guard let first = bytes.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first), bytes.count <= 64 else {
            return nil
        }
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                continue
            default: return nil
            }
        }
        self.rawValue = rawValue
    }

    /// - Precondition: The literal follows the rule.
    public init(stringLiteral value: StaticString) {
        guard let type = AggregateType(rawValue: "\(value)") else {
            preconditionFailure(
                "\"\(value)\" is not an aggregate type: a type is [a-z][a-z0-9-]*, at most 64 characters")
        }
        self = type
    }

    /// The name as it is stored.
    public var description: String { rawValue }
}
