internal import CMongoC
internal import Logging

/// libmongoc itself: started once in a process, with its log going to swift-log.
///
/// It is never shut down: `mongoc_cleanup` would have to come after the last use by anyone in the process, and the process's end does the same.
enum Driver {
    /// Touch it before the first call into libmongoc; Swift runs a static's initializer exactly once, also under races.
    static let isStarted: Bool = {
        daybook_driver_init { level, domain, message in
            guard !Driver.isQuiet else { return }
            let logger = Logger(label: "daybook.mongoc")
            let text = message.map { String(cString: $0) } ?? ""
            let source = domain.map { String(cString: $0) } ?? ""
            logger.log(level: Driver.level(level), "\(text)", metadata: ["domain": "\(source)"])
        }
        return true
    }()

    /// Whether the driver's log is dropped. libmongoc logs on the thread of the call, where a task-local value holds also outside a task.
    @TaskLocal private static var isQuiet = false

    /// Runs `body`, and logs nothing of what the driver says meanwhile: for calls with something secret in them.
    static func quietly<R>(_ body: () -> R) -> R {
        $isQuiet.withValue(true) { body() }
    }

    /// `mongoc_log_level_t`, from error (0) to trace (6).
    private static func level(_ level: Int32) -> Logger.Level {
        switch level {
        case 0: .error
        case 1: .critical
        case 2: .warning
        case 3: .notice
        case 4: .info
        case 5: .debug
        default: .trace
        }
    }
}
