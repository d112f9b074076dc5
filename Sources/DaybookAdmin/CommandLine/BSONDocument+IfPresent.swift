internal import DaybookBSON

extension BSONDocument {
    /// Adds a field, unless `value` is nil.
    mutating func append(_ key: String, ifPresent value: BSONValue?) throws {
        if let value { try append(key, value) }
    }
}
