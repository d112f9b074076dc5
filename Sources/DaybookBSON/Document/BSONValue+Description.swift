extension BSONValue: CustomStringConvertible {
    /// The type and the size, on one short line: `string(5 bytes)`. Values stay out of logs; ``extendedJSON(_:)`` shows them.
    public var description: String {
        switch self {
        case .string(let text), .javascript(let text), .symbol(let text): "\(type)(\(text.utf8.count) bytes)"
        case .document(let document): "\(type)(\(document.summary))"
        case .array(let values): "\(type)(\(values.count) values)"
        case .binary(let binary): "\(type)(subtype \(binary.subtype.rawValue), \(binary.bytes.count) bytes)"
        case .javascriptWithScope(let code): "\(type)(\(code.code.utf8.count) bytes, scope of \(code.scope.bytes.count) bytes)"
        default: "\(type)"
        }
    }
}
