internal import DaybookBSON
package import Foundation

extension Date {
    /// As RFC 3339 writes it, in UTC, rounded to the millisecond; in words what it cannot write, which only a damaged document has.
    package var rfc3339: String {
        guard let milliseconds = try? BSONDate(self).milliseconds else { return "no date" }
        guard milliseconds >= Self.firstMillisecond else { return "before the year 1" }
        guard milliseconds <= Self.lastMillisecond else { return "after the year 9999" }
        // By whole numbers: Foundation cuts a fraction of a second off, and 0.501 s is a little less than that as a Date.
        let rest = (milliseconds % 1000 + 1000) % 1000
        let fraction = String(rest)
        let seconds = Date(timeIntervalSince1970: Double((milliseconds - rest) / 1000)).formatted(.iso8601)
        return "\(seconds.dropLast()).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)Z"
    }

    /// 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
    private static var firstMillisecond: Int64 { -62_135_596_800_000 }
    private static var lastMillisecond: Int64 { 253_402_300_799_999 }

    /// Reads RFC 3339, with fractions of a second or without; nil for anything else.
    ///
    /// Of a text of whole milliseconds it is the very date that is stored for them, so that the two are equal.
    package init?(rfc3339 text: String) {
        let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        guard let date = date ?? (try? Date(text, strategy: .iso8601)), let begun = BSONDate(lastBegunAt: date) else {
            return nil
        }
        self = begun.date
    }
}
