@testable import Daybook
@testable import DaybookOperations
import Foundation
import Testing

/// The product's own code for swaps and their resumption, against a database in memory and in random orders: processes
/// are killed, interrupted and held up at any step, requests are lost or done late, leases run out, other commands are
/// started, operators drop what they find.
///
/// `DAYBOOK_TEST_SCHEDULES` says how many orders are tried.
@Suite("Swaps in random orders")
struct SwapModelTests {
    @Test(
        "G8, G9: a swap that says it is done has made the collection exactly what the journal says; nothing stopped or late does harm"
    )
    func schedules() {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["DAYBOOK_TEST_SCHEDULES"].flatMap(Int.init) ?? 500
        let first = environment["DAYBOOK_TEST_FIRST_SCHEDULE"].flatMap(UInt64.init) ?? 1
        var successes = 0
        for seed in first..<first + UInt64(max(1, count)) {
            var schedule = SwapSchedule(seed: seed)
            if let report = schedule.run() {
                Issue.record("schedule \(seed): \(report)")
                return
            }
            successes += schedule.successes
        }
        #expect(successes > count, "runs besides the last one of each schedule came to their end")
    }
}
