package import DaybookBSON

extension BSONValue {
    /// The value of a number of whatever type; nil for anything else.
    package var number: Double? {
        switch self {
        case .int32(let value): Double(value)
        case .int64(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// A count, as a document that anyone may have changed has it: whole, not negative, and small enough that no sum of counts overflows.
    package var count: Int {
        // The order matters: of these two, max gives the first when the other is not a number.
        Int(min(max(0, number ?? 0), 0x1p53))
    }
}
