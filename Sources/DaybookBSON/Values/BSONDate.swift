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
        guard let milliseconds = Int64(exactly: (date.timeIntervalSince1970 * 1000).rounded()) else {
            throw BSONError(.notRepresentable, "The date is not finite or lies beyond 64-bit milliseconds.")
        }
        self.milliseconds = milliseconds
    }

    /// The same point in time; exact to the millisecond for some 285,000 years around the epoch.
    public var date: Date {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    public static func < (left: BSONDate, right: BSONDate) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
