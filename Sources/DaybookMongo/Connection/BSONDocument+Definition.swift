package import DaybookBSON

extension BSONDocument {
    /// Whether both documents define the same: a validator, or the options of an index.
    ///
    /// A server returns a definition as it received it, whether from us, from a shell, which writes every number as a
    /// double, or from a tool that restores a dump. So numbers are compared by value. The order of fields has no
    /// meaning in the options of an index, nor in `$jsonSchema`. The order of a schema's `required`, `enum` and
    /// `bsonType` has no meaning either; other arrays are ordered.
    ///
    /// https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/
    package func isSameDefinition(as other: BSONDocument) -> Bool {
        let (left, right) = (fields, other.fields)
        guard left.count == right.count, Set(left.map(\.key)).count == left.count else { return false }
        let named = Dictionary(right.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        return left.allSatisfy { key, value in
            named[key].map { value.isSameDefinition(as: $0, under: key) } ?? false
        }
    }
}

extension BSONValue {
    fileprivate func isSameDefinition(as other: BSONValue, under key: String) -> Bool {
        switch (self, other) {
        case (.document(let left), .document(let right)):
            return left.isSameDefinition(as: right)
        case (.array(let left), .array(let right)):
            guard left.count == right.count else { return false }
            guard ["required", "enum", "bsonType"].contains(key) else {
                return zip(left, right).allSatisfy { $0.isSameDefinition(as: $1, under: "") }
            }
            return left.allSatisfy { value in right.contains { value.isSameDefinition(as: $0, under: "") } }
                && right.allSatisfy { value in left.contains { value.isSameDefinition(as: $0, under: "") } }
        default:
            if let left = number, let right = other.number { return left == right }
            return self == other
        }
    }
}
