package import DaybookBSON

extension BSONValue {
    /// The value of a number of any type; nil for anything else.
    package var number: Double? {
        switch self {
        case .int32(let value): Double(value)
        case .int64(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// A count from a document that may have been changed by hand: whole, not negative, and small enough that no sum of
    /// counts overflows.
    package var count: Int {
        // The order of the arguments matters: `max` returns 0 when the other argument is NaN.
        Int(min(max(0, number ?? 0), 0x1p53))
    }
}
