@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import Testing
import TestSupport

@Suite("The order in which events were recorded")
struct RecordingOrderTests {
    @Test(
        "an event that was recorded before its predecessor is reported whatever its version is",
        arguments: [Int64.min, 0, .max])
    func anyVersion(version: Int64) throws {
        let order = RecordingOrder(after: UUID(), BSONDate(milliseconds: .max))
        let event = try JournalEvent.document().changing("version", to: .int64(version))
        let fault = try event.withBorrowed { try order.fault(of: BorrowedEvent($0)) }
        #expect(fault?.code == .damagedJournal)
        #expect(fault?.version == version)
    }
}
