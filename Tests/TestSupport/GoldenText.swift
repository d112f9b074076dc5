internal import Foundation

/// Checks that `text` is what a file beside the test has, to the byte.
///
/// With `DAYBOOK_RECORD_GOLDEN=1` in the environment the file is written instead, and the check fails this once, so
/// that what was recorded is looked at.
///
/// - Parameter file: Relative to the folder of the test's source file.
package func checkGoldenText(_ text: String, file: String, filePath: String = #filePath) throws {
    let url = URL(filePath: file, relativeTo: URL(filePath: filePath).deletingLastPathComponent()).absoluteURL
    let golden = try? String(contentsOf: url, encoding: .utf8)
    guard golden != text else { return }
    guard ProcessInfo.processInfo.environment["DAYBOOK_RECORD_GOLDEN"] == "1" else {
        throw GoldenTextMismatch(file: file, golden: golden, text: text)
    }
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url, options: .atomic)
    throw GoldenTextMismatch(file: file, golden: golden, text: text, wasRecorded: true)
}

/// A text is not the one in its golden file.
package struct GoldenTextMismatch: Error, CustomStringConvertible {
    var file: String
    var golden: String?
    var text: String
    var wasRecorded = false

    package var description: String {
        if wasRecorded { return "recorded \(file): look at it, commit it, and run the test again without recording" }
        guard let golden else {
            return "there is no golden file \(file): run the test once with DAYBOOK_RECORD_GOLDEN=1"
        }
        let (lines, others) = (
            golden.split(separator: "\n", omittingEmptySubsequences: false),
            text.split(separator: "\n", omittingEmptySubsequences: false)
        )
        let index =
            zip(lines, others).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            ?? min(lines.count, others.count)
        func line(_ lines: [Substring]) -> String { index < lines.count ? String(lines[index]) : "(end)" }
        return
            "\(file) differs from line \(index + 1) on:\n- \(line(lines))\n+ \(line(others))\nThe whole text:\n\(text)"
    }
}
