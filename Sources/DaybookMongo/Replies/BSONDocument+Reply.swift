internal import DaybookBSON

extension BSONDocument {
    /// A count in a reply; 0 when it is missing.
    func count(_ key: String) -> Int {
        switch self[key] {
        case .int32(let value): Int(value)
        case .int64(let value): Int(value)
        default: 0
        }
    }

    /// The documents of an array in a reply; empty when it is missing.
    func documents(_ key: String) -> [BSONDocument] {
        guard case .array(let values) = self[key] else { return [] }
        return values.compactMap { if case .document(let document) = $0 { document } else { nil } }
    }

    var firstKey: String? {
        withBorrowed { document in
            var elements = document.makeElements()
            return try? elements.next()?.keyString
        }
    }
}
