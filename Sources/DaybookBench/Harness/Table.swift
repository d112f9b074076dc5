internal import Foundation

/// Rows as a table for people.
struct Table {
    private static let columns = [
        "", "rate/s", "p50 us", "p99 us", "cpu us", "trips", "sent B", "allocs", "peak MB", "rate ratio", "cpu ratio",
        "p50 ratio",
    ]
    private var lines: [[String]] = []
    private var last: String?

    static func text(_ rows: [Row]) -> String {
        var table = Table()
        for row in rows { table.add(row) }
        return table.aligned()
    }

    private mutating func add(_ row: Row) {
        let heading = "\(row.scenario): \(row.name) (per \(row.unit))"
        if heading != last { lines.append([heading]) }
        last = heading
        lines.append([
            "  \(row.side)", Self.number(row.rate), Self.number(row.p50), Self.number(row.p99), Self.number(row.cpu),
            Self.number(row.roundTrips), Self.number(row.bytesSent), Self.number(row.allocations),
            Self.number(Double(row.peakBytes) / 1_048_576), Self.spread(row.ratio?.rate), Self.spread(row.ratio?.cpu),
            Self.spread(row.ratio?.p50),
        ])
    }

    private func aligned() -> String {
        let all = [Self.columns] + lines
        // A heading stands alone in its line, and may be as long as it likes.
        let widths = Self.columns.indices.map { column in
            all.filter { $0.count > 1 }.map { $0[column].count }.max() ?? 0
        }
        return all.map { line in
            guard line.count > 1 else { return line.joined() }
            return zip(line, widths).enumerated().map { index, cell in
                let (text, width) = cell
                let padding = String(repeating: " ", count: width - text.count)
                return index == 0 ? text + padding : padding + text
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Three significant digits, or all before the point.
    static func number(_ value: Double?) -> String {
        guard let value else { return "-" }
        guard value.isFinite else { return "?" }
        let digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 || value == 0 ? 2 : 3
        return String(format: "%.\(digits)f", value)
    }

    private static func spread(_ spread: Spread?) -> String {
        guard let spread else { return "" }
        return "\(number(spread.median)) [\(number(spread.lowest))-\(number(spread.highest))]"
    }
}
