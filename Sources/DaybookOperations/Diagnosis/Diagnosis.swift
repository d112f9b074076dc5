/// The health of a store's database.
package struct Diagnosis: Sendable, Hashable {
    package enum Level: String, Sendable, CaseIterable {
        case ok
        /// Daybook works, but not as well or as safely as it could, or the check could not be made.
        case warning
        /// Something does not work, or will stop working.
        case problem
    }

    /// One check and its result.
    package struct Check: Sendable, Hashable {
        /// The subject of the check: `server`, `journal`, `snapshots.license` ...
        package var name: String
        package var level: Level
        /// What was found.
        package var detail: String
        /// What to do about it; nil where nothing needs to be done.
        package var remedy: String?

        init(_ name: String, _ level: Level, _ detail: String, remedy: String? = nil) {
            self.name = name
            self.level = level
            self.detail = detail
            self.remedy = remedy
        }
    }

    package internal(set) var checks: [Check] = []
    /// Whether a server replied to this user; if not, only that was checked.
    package internal(set) var hasReachedServer = true

    package var problems: Int { count(.problem) }
    package var warnings: Int { count(.warning) }

    private func count(_ level: Level) -> Int {
        checks.reduce(0) { $0 + ($1.level == level ? 1 : 0) }
    }
}
