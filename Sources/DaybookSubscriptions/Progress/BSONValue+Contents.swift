package import DaybookBSON
package import Foundation

extension BSONValue {
    /// The number, of whatever integer type; a shell writes doubles.
    package var integer: Int64? {
        switch self {
        case .int64(let number): number
        case .int32(let number): Int64(number)
        case .double(let number): Int64(exactly: number)
        default: nil
        }
    }
}

extension Optional where Wrapped == BSONValue {
    package var elements: [BSONValue] {
        if case .array(let values)? = self { values } else { [] }
    }

    package var date: Date? {
        if case .datetime(let date)? = self { date.date } else { nil }
    }
}
