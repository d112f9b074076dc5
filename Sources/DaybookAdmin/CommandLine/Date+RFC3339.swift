package import Foundation

extension Date {
    /// As RFC 3339 writes it, in UTC, rounded to the millisecond.
    package var rfc3339: String {
        // By whole numbers: Foundation cuts a fraction of a second off, and 0.501 s is a little less than that as a Date.
        let milliseconds = Int64((timeIntervalSince1970 * 1000).rounded())
        let rest = (milliseconds % 1000 + 1000) % 1000
        let fraction = String(rest)
        let seconds = Date(timeIntervalSince1970: Double((milliseconds - rest) / 1000)).formatted(.iso8601)
        return "\(seconds.dropLast()).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)Z"
    }

    /// Reads RFC 3339, with fractions of a second or without; nil for anything else.
    package init?(rfc3339 text: String) {
        let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        guard let date = date ?? (try? Date(text, strategy: .iso8601)) else { return nil }
        self = date
    }
}
