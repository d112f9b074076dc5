extension BSONDocument: CustomStringConvertible {
    /// The size and the first keys, on one short line. Values are left out, because descriptions end up in logs.
    public var description: String {
        "BSONDocument(\(summary))"
    }

    /// `12 bytes: key, key, …`. Always short and without control characters, whatever the bytes are.
    var summary: String {
        let (shownKeys, shownScalars) = (16, 32)
        let keys = withBorrowed { document in
            var keys: [String] = []
            var elements = document.makeElements()
            while let element = try? elements.next() {
                guard keys.count < shownKeys else { return keys + ["…"] }
                // A scalar has at most four bytes. Do not decode a megabyte to show 32 scalars of it.
                let key = String(decoding: element.key.prefix(4 * shownScalars), as: UTF8.self).unicodeScalars
                let shown = key.prefix(shownScalars).map { $0.properties.isPrintable ? Character($0) : "\u{FFFD}" }
                keys.append(
                    String(shown) + (key.count > shownScalars || element.key.count > 4 * shownScalars ? "…" : ""))
            }
            return keys
        }
        return "\(bytes.count) bytes\(keys.isEmpty ? "" : ": ")\(keys.joined(separator: ", "))"
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        default: true
        }
    }
}
