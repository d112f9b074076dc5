internal import Foundation

/// How often the expensive tests repeat what they prove.
package enum TestScale {
    /// `DAYBOOK_TEST_RACES`: races of two writers on one version.
    package static let races = number("DAYBOOK_TEST_RACES", 400)
    /// `DAYBOOK_TEST_KILLS`: processes killed in the middle of their commits.
    package static let kills = number("DAYBOOK_TEST_KILLS", 20)
    /// `DAYBOOK_TEST_REQUESTS`: random requests of the licensing domain, of processes that are killed on the way; two,
    /// and one more for each 1,000.
    package static let requests = number("DAYBOOK_TEST_REQUESTS", 200)

    /// `DAYBOOK_TEST_HANDOVER_EVENTS`: events that are there before a projection begins; see `HandOverTests`.
    package static let handOverEvents = number("DAYBOOK_TEST_HANDOVER_EVENTS", 6_000)
    /// `DAYBOOK_TEST_HANDOVER_KILLS`: how often the process of a projection is killed.
    package static let handOverKills = number("DAYBOOK_TEST_HANDOVER_KILLS", 4)

    /// `DAYBOOK_TEST_SNAPSHOTS`: snapshots among which the reconciler looks for the few that drifted.
    package static let snapshots = number("DAYBOOK_TEST_SNAPSHOTS", 2_000)

    /// `DAYBOOK_TEST_SECONDS`: how long a repair runs beside writers.
    package static let seconds = number("DAYBOOK_TEST_SECONDS", 3)
    /// `DAYBOOK_TEST_REBUILD_KILLS`: how often a rebuild is killed on its way, in place and with a swap each.
    package static let rebuildKills = number("DAYBOOK_TEST_REBUILD_KILLS", 2)
    /// `DAYBOOK_TEST_MEMORY_EVENTS`: the events whose verification is measured, and then five times as many.
    package static let memoryEvents = number("DAYBOOK_TEST_MEMORY_EVENTS", 1_000)

    /// `DAYBOOK_TEST_WEATHER`: seeds of the writers on a cluster, and on a replica set in elections, that fails at
    /// random.
    package static let weatherSeeds = number("DAYBOOK_TEST_WEATHER", 2)

    /// `DAYBOOK_TEST_HOSTILE`: damaged databases on which every command is run, about 60 commands each; see
    /// `HostileDatabaseTests`.
    package static let hostileDatabases = number("DAYBOOK_TEST_HOSTILE", 4)

    /// `DAYBOOK_TEST_FEED_EVENTS`: events that are there before a feed begins.
    package static let feedEvents = number("DAYBOOK_TEST_FEED_EVENTS", 3_000)
    /// `DAYBOOK_TEST_FEED_SECONDS`: how long it reads beside writers.
    package static let feedSeconds = number("DAYBOOK_TEST_FEED_SECONDS", 6)

    private static func number(_ name: String, _ standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init).map { max($0, 1) } ?? standard
    }
}
