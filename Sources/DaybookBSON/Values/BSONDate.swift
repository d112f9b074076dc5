public import Foundation

/// A point in time as BSON stores it: whole milliseconds since 1970-01-01T00:00:00Z.
public struct BSONDate: Sendable, Hashable, Comparable {
    /// Milliseconds since the Unix epoch; negative before it.
    public var milliseconds: Int64

    /// A date by its milliseconds since 1970.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The millisecond nearest to `date`, a half rounded away from the epoch.
    ///
    /// - Throws: ``BSONError/Code/notRepresentable`` when `date` is not finite or beyond 64-bit milliseconds.
    public init(_ date: Date) throws(BSONError) {
        let nearest = (date.timeIntervalSince1970 * 1000).rounded()
        // The last millisecond that fits is no double: as a `Date` it is the one after it.
        guard let milliseconds = nearest == 0x1p63 ? .max : Int64(exactly: nearest) else {
            throw BSONError(.notRepresentable, "The date is not finite or lies beyond 64-bit milliseconds.")
        }
        self.milliseconds = milliseconds
    }

    /// The last millisecond that has begun at `date`: to compare a caller's date with stored ones. Nil when `date` is not a number; a date
    /// beyond 64-bit milliseconds is the first or the last there is.
    ///
    /// A millisecond is rarely a double, and two ways to the `Date` of one millisecond may end a step apart: Foundation's parser gives the one
    /// below that of ``date``. So a date a step or two below a whole millisecond is that millisecond.
    package init?(lastBegunAt date: Date) {
        let seconds = date.timeIntervalSince1970
        guard !seconds.isNaN else { return nil }
        let nearest = (seconds * 1000).rounded()
        // A `Date` counts from 2001, and is converted.
        let step = max(seconds.ulp, date.timeIntervalSinceReferenceDate.ulp)
        let isNearest = abs(nearest / 1000 - seconds) <= 2 * step
        let begun = isNearest ? nearest : (seconds * 1000).rounded(.down)
        milliseconds = Int64(exactly: begun) ?? (begun < 0 ? .min : .max)
    }

    /// The same point in time; exact to the millisecond for some 285,000 years around the epoch.
    public var date: Date {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    public static func < (left: BSONDate, right: BSONDate) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension Date {
    /// Whether it is the same date, to the bit, when it was encoded and decoded.
    var isExactInBSON: Bool {
        Date(timeIntervalSince1970: (timeIntervalSince1970 * 1000).rounded() / 1000) == self
    }
}
