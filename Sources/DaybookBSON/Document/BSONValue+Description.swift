extension BSONValue: CustomStringConvertible {
    /// The type and the size, on one short line: `string(5 bytes)`. The value is left out, because descriptions end up
    /// in logs; ``extendedJSON(_:)`` shows it.
    public var description: String {
        switch self {
        case .string(let text), .javascript(let text), .symbol(let text): "\(type)(\(text.utf8.count) bytes)"
        case .document(let document): "\(type)(\(document.summary))"
        case .array(let values): "\(type)(\(values.count) values)"
        case .binary(let binary): "\(type)(subtype \(binary.subtype.rawValue), \(binary.bytes.count) bytes)"
        case .javascriptWithScope(let code):
            "\(type)(\(code.code.utf8.count) bytes, scope of \(code.scope.bytes.count) bytes)"
        default: "\(type)"
        }
    }
}
