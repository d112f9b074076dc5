@testable import Daybook
import Foundation
import Testing
import TestSupport

@Suite("EventID")
struct EventIDTests {
    /// RFC 9562, appendix A.6: made on 2022-02-22 at 14:22:22.00 GMT-05:00.
    private static let example = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"

    @Test("the RFC's example has the RFC's time, and survives being read and written")
    func rfcExample() throws {
        let uuid = try #require(UUID(uuidString: Self.example))
        let id = EventID(uuid)
        #expect(id.milliseconds == 1_645_557_742_000)
        #expect(id.uuid == uuid)
    }

    @Test("the RFC's example comes of its parts")
    func rfcParts() {
        var parts: [UInt64] = [0xCC3 << 52, 0x18C4_DC0C_0C07_398F << 3]
        let id = EventID(milliseconds: 1_645_557_742_000) { parts.removeFirst() }
        #expect(id.uuid.uuidString == Self.example)
    }

    @Test("every id has version 7, variant 10, and its time in the first 48 bits")
    func layout() {
        var generator = SeededGenerator(seed: 1)
        for milliseconds in [0, 1, 1_700_000_000_123, 1 << 48 - 1] as [UInt64] {
            for extreme in [0, .max, nil] as [UInt64?] {
                let id = EventID(milliseconds: milliseconds) { extreme ?? generator.next() }
                let bytes = id.uuid.bytes
                #expect(bytes[6] >> 4 == 7)
                #expect(bytes[8] >> 6 == 0b10)
                #expect(bytes[0..<6].reduce(0) { $0 << 8 | UInt64($1) } == milliseconds)
                #expect(id.milliseconds == milliseconds)
            }
        }
    }

    @Test("a new id leaves room above it: the top of its lower bits is clear")
    func room() {
        let id = EventID(milliseconds: 1) { .max }
        #expect(id.uuid.bytes[8] == 0b1001_1111)
    }

    @Test("the random bits reach the id")
    func randomness() {
        var generator = SeededGenerator(seed: 2)
        let ids = Set((0..<1_000).map { _ in EventID(milliseconds: 5) { generator.next() } })
        #expect(ids.count == 1_000)
        var everSet = [UInt8](repeating: 0, count: 16)
        for id in ids { for (place, byte) in id.uuid.bytes.enumerated() { everSet[place] |= byte } }
        #expect(everSet[6] == 0x7F)
        #expect(everSet[7...] == [0xFF, 0x9F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
    }

    @Test("ids are ordered as their bytes are, and equal when these are")
    func byteOrder() {
        var generator = SeededGenerator(seed: 3)
        // Few distinct parts, so that every part decides sometimes.
        let ids = (0..<60).map { _ in
            UUID(
                milliseconds: .random(in: 0...2, using: &generator),
                upper: .random(in: 0xFFD...0xFFF, using: &generator),
                lower: UInt64.random(in: 0...3, using: &generator) << Int.random(in: 0...60, using: &generator))
        }
        for left in ids {
            for right in ids {
                #expect((EventID(left) < EventID(right)) == left.bytes.lexicographicallyPrecedes(right.bytes))
                #expect((EventID(left) == EventID(right)) == (left == right))
            }
        }
    }

    @Test("any UUID of version 7 survives being read and written")
    func roundTrip() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<1_000 {
            let uuid = UUID(
                milliseconds: generator.next() >> 16, upper: generator.next(), lower: generator.next())
            #expect(EventID(uuid).uuid == uuid)
        }
    }

    @Test("advancing adds to the random bits, over the end of the lower ones, and keeps the time")
    func advancing() throws {
        let id = EventID(UUID(milliseconds: 9, upper: 0x7, lower: 5))
        #expect(id.advanced(by: 0) == id)
        #expect(id.advanced(by: 1)?.uuid == UUID(milliseconds: 9, upper: 0x7, lower: 6))
        let full = EventID(UUID(milliseconds: 9, upper: 0x7, lower: 1 << 62 - 1))
        #expect(full.advanced(by: 1)?.uuid == UUID(milliseconds: 9, upper: 0x8, lower: 0))
        #expect(full.advanced(by: 1 << 32)?.uuid == UUID(milliseconds: 9, upper: 0x8, lower: 1 << 32 - 1))
        for start in [id, full] {
            let next = try #require(start.advanced(by: 1 << 33))
            #expect(start < next)
            #expect(next.milliseconds == 9)
        }
    }

    @Test("the last id of a millisecond has no successor")
    func exhausted() {
        let last = EventID(UUID(milliseconds: 9, upper: 0xFFF, lower: 1 << 62 - 1))
        #expect(last.advanced(by: 0) == last)
        #expect(last.advanced(by: 1) == nil)
        let nearly = EventID(UUID(milliseconds: 9, upper: 0xFFF, lower: 1 << 62 - 3))
        #expect(nearly.advanced(by: 2) == last)
        #expect(nearly.advanced(by: 3) == nil)
        #expect(nearly.advanced(by: .max >> 2) == nil)
    }
}
