package import DaybookBSON

extension BSONValue {
    /// The condition that a field has exactly this value, or is absent where it is nil.
    ///
    /// https://www.mongodb.com/docs/manual/reference/operator/query/eq/
    package static func condition(equalTo value: BSONValue?) -> BSONValue {
        // MongoDB cannot compare with the deprecated type undefined, but `$type` finds it by its number.
        value == .undefined ? ["$type": .int32(6)] : ["$eq": value ?? .null]
    }
}
