internal import DaybookBSON

/// Describes a coding error without the values that it happened on. The coding path is shown, including a dictionary's
/// keys: like an aggregate's key, they must not be personal data.
package func describe(_ error: any Error) -> String {
    func place(_ context: [any CodingKey]) -> String {
        context.isEmpty
            ? "" : " at \(context.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "."))"
    }
    /// Only our own codec's messages are known to contain no values: Swift's quote a raw value that an enum does not
    /// have.
    func reason(_ below: (any Error)?) -> String {
        (below as? BSONError)?.message ?? "its value is not one that the type takes"
    }
    switch error {
    case let DecodingError.keyNotFound(key, context):
        return "the field \"\(key.stringValue)\" is missing\(place(context.codingPath))"
    case let DecodingError.valueNotFound(type, context): return "a \(type) is missing\(place(context.codingPath))"
    case let DecodingError.typeMismatch(type, context): return "it is not a \(type)\(place(context.codingPath))"
    case let DecodingError.dataCorrupted(context):
        return "\(reason(context.underlyingError))\(place(context.codingPath))"
    case let EncodingError.invalidValue(_, context):
        return "\(reason(context.underlyingError))\(place(context.codingPath))"
    case let error as BSONError: return "\(error)"
    case let error as DaybookError: return error.message
    default: return "its own code throws \(type(of: error))"
    }
}
