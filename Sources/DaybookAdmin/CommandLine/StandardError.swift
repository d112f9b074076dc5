internal import Foundation

/// What is said to people besides the data: the one place that writes to stderr.
package enum StandardError {
    package static func line(_ text: String) { write(text + "\n") }

    /// As much as can be: there is nowhere to complain.
    static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
