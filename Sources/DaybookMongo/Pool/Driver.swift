internal import CMongoC
internal import Foundation
internal import Logging
internal import Synchronization

/// libmongoc itself: initialized once in a process, with its log forwarded to swift-log.
///
/// Daybook never shuts it down, because `mongoc_cleanup` would have to follow the last use by any code in the process.
/// libmongoc's own destructor calls it when the process ends, even while threads still use what it frees; see
/// ``awaitIdleness()``.
/// https://github.com/mongodb/mongo-c-driver/blob/1.23.2/src/libmongoc/src/mongoc/mongoc-init.c
enum Driver {
    /// Access it before the first call into libmongoc. Swift initializes a static exactly once, also under races.
    static let isStarted: Bool = {
        daybook_driver_init { level, domain, message in
            guard !Driver.isQuiet else { return }
            let logger = Logger(label: "daybook.mongoc")
            let text = message.map { String(cString: $0) } ?? ""
            let source = domain.map { String(cString: $0) } ?? ""
            logger.log(level: Driver.level(level), "\(text)", metadata: ["domain": "\(source)"])
        }
        atexit { Driver.awaitIdleness() }
        return true
    }()

    /// The number of operations on connections, and of pools that are being destroyed.
    private static let underWay = Atomic<Int>(0)

    static func begin() { underWay.add(1, ordering: .relaxed) }
    static func end() { underWay.subtract(1, ordering: .relaxed) }

    /// Waits for operations in progress, for two seconds at most, before the process ends and libmongoc is cleaned up.
    private static func awaitIdleness() {
        let deadline = ContinuousClock.now + .seconds(2)
        while underWay.load(ordering: .relaxed) > 0, ContinuousClock.now < deadline { usleep(1_000) }
    }

    /// Whether the driver's log is dropped. libmongoc logs on the thread of the call, where a task-local value also
    /// applies outside a task.
    @TaskLocal private static var isQuiet = false

    /// Runs `body` without logging what the driver reports: for calls with something secret in them.
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
