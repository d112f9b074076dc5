@testable import DaybookBSON
import Foundation
import TestSupport
import Testing

@Suite("Dates and milliseconds")
struct DateTests {
    @Test("the last millisecond begun at a date is the one that a text of it says, whichever way the text was read")
    func lastBegun() throws {
        var generator = SeededGenerator(seed: 3)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        var below = 0
        for _ in 0..<5_000 {
            let milliseconds = Int64.random(in: -2_000_000_000_000...7_000_000_000_000, using: &generator)
            let date = BSONDate(milliseconds: milliseconds)
            #expect(BSONDate(lastBegunAt: date.date) == date)
            #expect(BSONDate(lastBegunAt: date.date.addingTimeInterval(0.000_9)) == date)
            #expect(
                BSONDate(lastBegunAt: date.date.addingTimeInterval(-0.000_1))
                    == BSONDate(milliseconds: milliseconds - 1))
            let text = try #require(Self.text(date))
            let parsed = try Date(text, strategy: style)
            #expect(BSONDate(lastBegunAt: parsed) == date, "\(text)")
            if parsed < date.date { below += 1 }
        }
        // Otherwise this test would show nothing.
        #expect(below > 0)
    }

    /// As libbson writes it, by whole numbers.
    private static func text(_ date: BSONDate) -> String? {
        let rest = (date.milliseconds % 1000 + 1000) % 1000
        let seconds = Date(timeIntervalSince1970: Double((date.milliseconds - rest) / 1000))
        return "\(seconds.formatted(.iso8601).dropLast()).\(String(format: "%03d", Int(rest)))Z"
    }

    @Test("a date beyond 64-bit milliseconds is the first or the last there is, and one that is no number is none")
    func extremes() {
        #expect(BSONDate(lastBegunAt: Date(timeIntervalSince1970: .infinity))?.milliseconds == .max)
        #expect(BSONDate(lastBegunAt: Date(timeIntervalSince1970: -.infinity))?.milliseconds == .min)
        #expect(BSONDate(lastBegunAt: Date(timeIntervalSince1970: .greatestFiniteMagnitude))?.milliseconds == .max)
        #expect(BSONDate(lastBegunAt: Date(timeIntervalSince1970: .nan)) == nil)
    }

    @Test(
        "the first and the last stored date go to a date and back", arguments: [Int64.min, .min + 1, 0, .max - 1, .max])
    func storedExtremes(milliseconds: Int64) throws {
        let back = try BSONDate(BSONDate(milliseconds: milliseconds).date)
        #expect(abs(Double(back.milliseconds) - Double(milliseconds)) <= 1024)
        #expect(throws: BSONError.self) { try BSONDate(Date(timeIntervalSince1970: 0x1p63 / 1000 * 1.000_001)) }
    }
}
