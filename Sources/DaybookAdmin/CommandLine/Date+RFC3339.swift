internal import DaybookBSON
package import Foundation

extension Date {
    /// The date in RFC 3339, in UTC, rounded to the millisecond. A date that RFC 3339 cannot write, which only a
    /// damaged document has, is described in words.
    package var rfc3339: String {
        guard let milliseconds = try? BSONDate(self).milliseconds else { return "no date" }
        guard milliseconds >= Self.firstMillisecond else { return "before the year 1" }
        guard milliseconds <= Self.lastMillisecond else { return "after the year 9999" }
        // Compute with whole numbers: Foundation truncates a fraction of a second, and 0.501 s as a Date is slightly
        // less than that.
        let rest = (milliseconds % 1000 + 1000) % 1000
        let fraction = String(rest)
        let seconds = Date(timeIntervalSince1970: Double((milliseconds - rest) / 1000)).formatted(.iso8601)
        return "\(seconds.dropLast()).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)Z"
    }

    /// 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
    private static var firstMillisecond: Int64 { -62_135_596_800_000 }
    private static var lastMillisecond: Int64 { 253_402_300_799_999 }

    /// Parses RFC 3339, with or without fractions of a second; nil for anything else.
    ///
    /// A text of whole milliseconds becomes exactly the date that is stored for them, so that the two are equal.
    package init?(rfc3339 text: String) {
        let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        guard let date = date ?? (try? Date(text, strategy: .iso8601)), let begun = BSONDate(lastBegunAt: date) else {
            return nil
        }
        self = begun.date
    }
}
