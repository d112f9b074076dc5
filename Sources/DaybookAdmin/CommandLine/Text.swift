internal import DaybookBSON
internal import Foundation

/// Formats values as text for people.
enum Text {
    /// The text on one line and without control characters: a stored text may be damaged, and a terminal executes
    /// control sequences.
    static func plain(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        return isPlain
            ? text
            : String(
                String.UnicodeScalarView(
                    text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    }

    /// A text as it is, and any other value as relaxed extended JSON.
    static func value(_ value: BSONValue) -> String {
        if case .string(let text) = value { return plain(text) }
        return (try? value.extendedJSON(.relaxed)) ?? "(damaged)"
    }

    /// `1 event`, `2 events`.
    static func counted(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }

    /// Rounded to a 64th, which has an exact decimal form.
    static func roundedSeconds(_ seconds: Double) -> Double { (seconds * 64).rounded() / 64 }

    /// `0.1 s`.
    static func seconds(_ seconds: Double) -> String {
        let number = seconds.formatted(
            .number.precision(.fractionLength(1)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
        return "\(number) s"
    }

    /// `42 s`, `3 min 5 s`, `2 h 10 min`, `3 days 4 h`.
    static func span(_ seconds: Double) -> String {
        let seconds = Int(max(0, min(seconds, 1e12)).rounded(.up))
        return switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min \(seconds % 60) s"
        case ..<172_800: "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        default: "\(seconds / 86_400) days \(seconds % 86_400 / 3_600) h"
        }
    }

    /// `text`, padded with spaces to a width.
    static func padded(_ text: String, _ width: Int, isRight: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - text.count))
        return isRight ? spaces + text : text + spaces
    }

    /// `512 B`, `3.4 KiB`, `12 MiB`.
    static func bytes(_ count: Int64) -> String {
        var (size, unit) = (Double(count), "B")
        for larger in ["KiB", "MiB", "GiB", "TiB"] where size >= 1024 { (size, unit) = (size / 1024, larger) }
        guard unit != "B", size < 10 else { return "\(Int(size.rounded())) \(unit)" }
        return "\((size * 10).rounded() / 10) \(unit)"
    }

    /// Rows with a heading, each column as wide as its widest cell.
    static func table(_ rows: [[String]], numbers: Set<Int> = []) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map {
                padded($0.element, widths[$0.offset], isRight: numbers.contains($0.offset))
            }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }

    /// `path  before -> after`, one line for each change.
    static func changes(_ changes: [FieldDifference]) -> [String] {
        let paths = changes.map { plain($0.path.isEmpty ? "(all)" : $0.path) }
        let width = min(40, paths.map(\.count).max() ?? 0)
        return zip(paths, changes).map { path, change in
            let shown = change.shown()
            return "\(padded(path, width))  \(shown.before ?? "none") -> \(shown.after ?? "none")"
        }
    }
}
