package import DaybookBSON

extension BSONValue {
    /// The condition of a filter on a field that has this very value, or is not there where it is nil.
    ///
    /// https://www.mongodb.com/docs/manual/reference/operator/query/eq/
    package static func condition(equalTo value: BSONValue?) -> BSONValue {
        // MongoDB does not compare with the deprecated type undefined, but finds it by its number.
        value == .undefined ? ["$type": .int32(6)] : ["$eq": value ?? .null]
    }
}
