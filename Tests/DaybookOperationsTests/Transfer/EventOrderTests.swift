@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Testing

@Suite("The order of events from outside")
struct EventOrderTests {
    /// `a1`: version 1 of the aggregate `a`; `a1!c` with the command id `c`.
    private func accept(_ events: String, _ order: inout EventOrder) throws -> [Bool] {
        try events.split(separator: " ").map { text in
            let parts = text.split(separator: "!").map(String.init)
            let version = try #require(Int64(parts[0].drop { $0.isLetter }))
            let document = try JournalEvent.document(
                "parcel/\(parts[0].prefix { $0.isLetter })", version, commandID: parts.count > 1 ? parts[1] : nil)
            return try order.accept(StoredEvent(checking: document))
        }
    }

    @Test("events are in order when each aggregate's are together, in version order, from whichever version it begins")
    func right() throws {
        var order = EventOrder()
        #expect(try accept("b1 b2 a5 a6 a7 c1!x d1!x", &order) == [true, false, true, false, false, true, true])
        #expect(order.aggregates == 4)
    }

    @Test("command ids that Swift calls the same text, and that have other bytes, are different")
    func commandIDsByBytes() throws {
        var order = EventOrder()
        #expect(try accept("a1!x\u{897}\u{334} a2!x\u{334}\u{897}", &order) == [true, false])
    }

    @Test(
        "events out of order are refused",
        arguments: [
            ("a1 a3", "version 2 is missing before it"), ("a1 a5", "versions 2 to 4 are missing before it"),
            ("a2 a1", "it comes after version 2"), ("a1 a1", "it comes after version 1"),
            ("a1 b1 a2", "an aggregate's events come together"), ("a1!c a2!c", "its command id is that of version 1"),
        ])
    func wrong(events: String, reason: String) throws {
        var order = EventOrder()
        let error = #expect(throws: DaybookError.self) { try accept(events, &order) }
        #expect(error?.code == .invalidImport)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.aggregateID == "parcel/a")
    }
}
