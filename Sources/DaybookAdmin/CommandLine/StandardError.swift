internal import Foundation

/// Messages for people, as opposed to data. All output to stderr is written here.
package enum StandardError {
    package static func line(_ text: String) { write(text + "\n") }

    /// Writes as much as possible. Errors are ignored, because there is nowhere to report them.
    static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
