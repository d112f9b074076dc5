import InMemoryLogging
import Logging

/// Keeps every line that its logger is given.
struct LogRecorder: Sendable {
    struct Line: Sendable {
        let level: String
        let message: String
        let metadata: [String: String]
    }

    private let handler: InMemoryLogHandler

    init() {
        var handler = InMemoryLogHandler()
        handler.logLevel = .trace
        self.handler = handler
    }

    var logger: Logger {
        let handler = handler
        return Logger(label: "test") { _ in handler }
    }

    var all: [Line] {
        handler.entries.map { entry in
            Line(level: "\(entry.level)", message: "\(entry.message)", metadata: entry.metadata.mapValues { "\($0)" })
        }
    }

    /// Each line with everything that is in it.
    var texts: [String] { handler.entries.map { "\($0.message) \($0.metadata) \($0.error.map { "\($0)" } ?? "")" } }
}
