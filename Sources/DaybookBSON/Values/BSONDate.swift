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
        // The last millisecond that fits is not a double: as a `Date` it becomes the one after it.
        guard let milliseconds = nearest == 0x1p63 ? .max : Int64(exactly: nearest) else {
            throw BSONError(.notRepresentable, "The date is not finite or lies beyond 64-bit milliseconds.")
        }
        self.milliseconds = milliseconds
    }

    /// The last millisecond that has begun at `date`, for comparing a caller's date with stored ones. Nil when `date`
    /// is not a number. A date beyond 64-bit milliseconds becomes the first or the last that exists.
    ///
    /// A millisecond is rarely an exact double, and two computations of the `Date` for one millisecond may differ by a
    /// step: Foundation's parser returns the double below that of ``date``. So a date that is a step or two below a
    /// whole millisecond counts as that millisecond.
    package init?(lastBegunAt date: Date) {
        let seconds = date.timeIntervalSince1970
        guard !seconds.isNaN else { return nil }
        let nearest = (seconds * 1000).rounded()
        // A `Date` counts from 2001, so `seconds` is the result of a conversion.
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
    /// Whether the date is the same, to the bit, after it was encoded and decoded.
    var isExactInBSON: Bool {
        Date(timeIntervalSince1970: (timeIntervalSince1970 * 1000).rounded() / 1000) == self
    }
}
