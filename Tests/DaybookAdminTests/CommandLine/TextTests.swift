@testable import DaybookAdmin
@testable import Daybook
import DaybookBSON
import DaybookOperations
import Foundation
import TestSupport
import Testing

@Suite("Text for people")
struct TextTests {
    @Test(
        "dates are to the millisecond, to the last one, and read back",
        arguments: [0, 1, 501, -1, -1_000, 1_735_689_599_999, 1_767_225_600_000])
    func dates(_ milliseconds: Int64) throws {
        let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
        let text = date.rfc3339
        #expect(text.hasSuffix(String(format: ".%03dZ", Int((milliseconds % 1000 + 1000) % 1000))))
        let back = try #require(Date(rfc3339: text))
        #expect(back == date)
        #expect(Date(rfc3339: "2025-03-11T00:00:00Z") != nil)
        #expect(Date(rfc3339: "2025-03-11") == nil)
    }

    @Test("a printed date is read back as the very date that is stored for it")
    func stored() throws {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<3_000 {
            let stored = BSONDate(milliseconds: .random(in: -2_000_000_000_000...7_000_000_000_000, using: &generator))
                .date
            #expect(Date(rfc3339: stored.rfc3339) == stored)
        }
    }

    @Test("dates that RFC 3339 cannot write are said in words")
    func farDates() {
        let words = [
            (Int64.min, "before the year 1"), (-62_135_596_800_001, "before the year 1"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (253_402_300_800_000, "after the year 9999"),
            (.max, "after the year 9999"),
        ]
        for (milliseconds, text) in words { #expect(BSONDate(milliseconds: milliseconds).date.rfc3339 == text) }
        #expect(BSONDate(milliseconds: -62_135_596_800_000).date.rfc3339.hasSuffix(":00.000Z"))
        for seconds in [Double.nan, .infinity, -.infinity, 1e300] {
            #expect(Date(timeIntervalSince1970: seconds).rfc3339 == "no date")
        }
    }

    @Test("a table's columns are as wide as their widest cell, numbers to the right")
    func tables() {
        #expect(
            Text.table([["A", "N"], ["long", "1"], ["x", "100"], ["y", ""]], numbers: [1]) == [
                "A       N", "long    1", "x     100", "y",
            ])
        #expect(Text.table([]).isEmpty)
    }

    @Test("sizes of bytes are shown with a unit")
    func sizes() {
        let sizes: [Int64] = [0, 1_023, 1_024, 10_239, 10_240, 1 << 20, 5 << 40]
        #expect(sizes.map(Text.bytes) == ["0 B", "1023 B", "1.0 KiB", "10.0 KiB", "10 KiB", "1.0 MiB", "5.0 TiB"])
    }

    @Test("control sequences that a terminal would execute are not printed")
    func plain() {
        #expect(Text.plain("a\u{1B}[31m\nb\u{9B}") == "a\u{FFFD}[31m\u{FFFD}b\u{FFFD}")
        #expect(Text.plain("né 🎉") == "né 🎉")
    }

    @Test("an event is shown whatever is wrong with it")
    func events() {
        #expect(
            EventLine(JournalEntry([:])).text
                == "      ?  ?                         ?                      ?  -             -                 ?")
        let damaged = JournalEntry([
            "_id": 1, "aggregateId": "a/\u{1B}", "version": "x", "type": ["t": 1], "data": [1], "meta": ["actor": 5],
        ])
        #expect(EventLine(damaged).textWithAggregate == "?  a/\u{FFFD}  v?  ?  -  ?")
        let correction = JournalEntry([
            "version": 2, "type": "$corrected", "schema": .int32(1),
            "data": ["patch": ["a": nil], "stateSchema": .int32(1), "reason": "why", "actor": "me"],
            "meta": ["actor": "me", "commandName": "correct"],
        ])
        #expect(
            EventLine(correction).textWithAggregate
                == "?  ?  v2  correction  correct by me  { \"a\" : null } because: why")
    }

    @Test("changes of a state are shown one line each")
    func changes() {
        let before: BSONDocument = ["a": .int32(1), "gone": "x", "list": [1, 2]]
        let after: BSONDocument = ["a": .int64(1), "list": [1], "new": [:]]
        #expect(
            Text.changes(before.differences(to: after)) == [
                #"a     { "$numberInt" : "1" } -> { "$numberLong" : "1" }"#, #"gone  "x" -> none"#,
                "list  [ 1, 2 ] -> [ 1 ]",
                "new   none -> {}",
            ])
    }
}
