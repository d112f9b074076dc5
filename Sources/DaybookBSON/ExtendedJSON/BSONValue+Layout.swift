extension BSONDocument {
    /// The document as extended JSON over several lines, for people. Short values stay on one line.
    ///
    /// - Parameter indent: By how many spaces every line but the first is indented.
    /// - Throws: as ``extendedJSON(_:)``.
    package func laidOut(_ format: ExtendedJSONFormat, indent: Int = 0) throws(BSONError) -> String {
        try BSONValue.document(self).laidOut(format, indent: indent)
    }
}

extension BSONValue {
    fileprivate func laidOut(_ format: ExtendedJSONFormat, indent: Int) throws(BSONError) -> String {
        var parts: [String] = []
        let (open, close): (String, String)
        switch self {
        case .document(let document):
            (open, close) = ("{", "}")
            for (key, value) in document.fields {
                parts.append(
                    "\(try BSONValue.string(key).extendedJSON(format)): "
                        + "\(try value.laidOut(format, indent: indent + 2))"
                )
            }
        case .array(let values):
            (open, close) = ("[", "]")
            for value in values { parts.append(try value.laidOut(format, indent: indent + 2)) }
        default:
            return try extendedJSON(format)
        }
        if parts.isEmpty { return open + close }
        let short = "\(open) \(parts.joined(separator: ", ")) \(close)"
        if short.utf8.count + indent <= 100, !short.contains("\n") { return short }
        let margin = String(repeating: " ", count: indent)
        return "\(open)\n\(parts.map { "\(margin)  \($0)" }.joined(separator: ",\n"))\n\(margin)\(close)"
    }
}
