package import DaybookBSON

extension BSONDocument {
    package init(fields: [(key: String, value: BSONValue)]) throws {
        self.init()
        for field in fields { try append(field.key, field.value) }
    }

    /// The same without one field, or with another value in its place; `a.b` for a nested one.
    package func changing(_ path: String, to value: BSONValue?) throws -> BSONDocument {
        let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
        let fields = try withBorrowed { try $0.map { (key: try $0.keyString, value: try $0.value()) } }
        return try BSONDocument(
            fields: fields.compactMap { field in
                guard field.key == parts[0] else { return field }
                if parts.count == 2, case .document(let inner) = field.value {
                    return (field.key, .document(try inner.changing(parts[1], to: value)))
                }
                return value.map { (field.key, $0) }
            })
    }
}
