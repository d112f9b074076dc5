@testable import Daybook
import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("The id of the next commit")
struct EventIDNextTests {
    private func next(after previous: [EventID], by clock: CommitClock) -> EventID {
        .next(after: previous, at: clock.now(), random: clock.random)
    }

    private static let noon = 1_700_000_000_123.0

    @Test("a first commit has the clock's own time")
    func first() {
        let id = next(after: [], by: Hands(milliseconds: Self.noon).clock)
        #expect(id.milliseconds == 1_700_000_000_123)
    }

    @Test("a commit after an older one has the clock's own time, and fresh random bits")
    func later() {
        let hands = Hands(milliseconds: Self.noon)
        let older = next(after: [], by: hands.clock)
        hands.milliseconds = Self.noon + 1
        let newer = next(after: [older], by: hands.clock)
        #expect(newer.milliseconds == 1_700_000_000_124)
        #expect(newer > older)
        #expect(newer != older.advanced(by: 1 << 32))
    }

    @Test("a commit in the same millisecond is larger, and leaves room for all other events of the one before")
    func sameMillisecond() throws {
        let hands = Hands(milliseconds: Self.noon)
        let first = next(after: [], by: hands.clock)
        let second = next(after: [first], by: hands.clock)
        #expect(second.milliseconds == first.milliseconds)
        let lastOfFirst = try #require(first.advanced(by: UInt64(UInt32.max)))
        #expect(second > lastOfFirst)
    }

    @Test("a clock that lags ten minutes takes the time of the event it has seen, and a larger id")
    func behind() {
        let last = next(after: [], by: Hands(milliseconds: Self.noon, seed: 1).clock)
        let behind = Hands(milliseconds: Self.noon - 600_000, seed: 2)
        let id = next(after: [last], by: behind.clock)
        #expect(id > last)
        #expect(id.milliseconds == last.milliseconds)
    }

    @Test("the latest of several aggregates' last events counts, whatever their order")
    func several() {
        let ids = [3, 1, 9, 2].map { EventID(UUID(milliseconds: 1_000 + $0, upper: 1, lower: 1)) }
        let clock = Hands(milliseconds: 1_005).clock
        for previous in [ids, ids.reversed(), ids.sorted()] {
            let id = next(after: previous, by: clock)
            #expect(id.milliseconds == 1_009)
            for last in ids { #expect(id > last) }
        }
    }

    @Test("when the random bits of a millisecond are used up, the next millisecond begins")
    func exhausted() {
        let last = EventID(UUID(milliseconds: 5_000, upper: 0xFFF, lower: 1 << 62 - 1))
        for now in [0.0, 4_999, 5_000] {
            let id = next(after: [last], by: Hands(milliseconds: now).clock)
            #expect(id > last)
            #expect(id.milliseconds == 5_001)
        }
        #expect(next(after: [last], by: Hands(milliseconds: 5_001).clock).milliseconds == 5_001)
    }

    @Test("a clock before 1970 counts as 1970", arguments: [-1.0, -0.001, -86_400_000, -62_135_596_800_000])
    func before1970(milliseconds: Double) {
        let hands = Hands(milliseconds: milliseconds)
        let first = next(after: [], by: hands.clock)
        #expect(first.milliseconds == 0)
        #expect(next(after: [first], by: hands.clock) > first)
    }

    @Test("the time is exact to the millisecond for a clock that shows whole ones")
    func wholeMilliseconds() {
        var generator = SeededGenerator(seed: 5)
        var wrong = 0
        // Until 2100, where the least bits of a `Date` weigh differently from 2038 on.
        for _ in 0..<10_000 {
            let milliseconds = UInt64.random(in: 1_000_000_000_000...4_102_444_800_000, using: &generator)
            let date = BSONDate(milliseconds: Int64(milliseconds)).date
            let clock = CommitClock(now: { date }, random: { 0 })
            if next(after: [], by: clock).milliseconds != milliseconds { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("ids rise along an aggregate for writers whose clocks disagree and jump")
    func unrulyClocks() throws {
        var generator = SeededGenerator(seed: 6)
        let writers = (0..<5).map { Hands(milliseconds: Self.noon, seed: UInt64($0)) }
        var heads: [EventID?] = [nil, nil, nil]
        var seen: Set<EventID> = []
        for _ in 0..<10_000 {
            let writer = try #require(writers.randomElement(using: &generator))
            writer.milliseconds += Double(
                Int.random(in: -3...4, using: &generator) * .random(in: 0...1_000, using: &generator))
            let touched = heads.indices.filter { _ in Bool.random(using: &generator) }
            let commit = next(after: touched.compactMap { heads[$0] }, by: writer.clock)
            for (event, aggregate) in touched.enumerated() {
                let id = try #require(commit.advanced(by: UInt64(event)))
                if let head = heads[aggregate] {
                    try #require(id > head)
                    try #require(id.milliseconds >= head.milliseconds)
                }
                try #require(seen.insert(id).inserted)
                heads[aggregate] = id
            }
        }
    }

    @Test("the system's clock shows about the time that it is, with other random bits each time")
    func system() {
        let before = Date().timeIntervalSince1970 * 1000
        let ids = (0..<100).map { _ in next(after: [], by: CommitClock.system) }
        let after = Date().timeIntervalSince1970 * 1000
        #expect(Set(ids).count == 100)
        for id in ids {
            #expect(Double(id.milliseconds) >= before.rounded(.down))
            #expect(Double(id.milliseconds) <= after)
        }
    }
}
