internal import DaybookBSON
package import Foundation

/// A UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, and 74 random bits, besides the version and
/// the variant.
package struct EventID: Sendable, Hashable, Comparable {
    /// The time and the upper 12 of the 74 bits.
    private let high: UInt64
    /// The lower 62 of the 74 bits.
    private let low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The milliseconds for an id made at `date`, clamped to 48 bits, which end in the year 10889. 0 when the date is
    /// not a number.
    package static func milliseconds(at date: Date) -> UInt64 {
        guard date.timeIntervalSince1970.isFinite, let begun = BSONDate(lastBegunAt: date) else { return 0 }
        return UInt64(min(max(0, begun.milliseconds), 0xFFFF_FFFF_FFFF))
    }

    /// The top bit of the lower part is clear, which leaves room for ``advanced(by:)``.
    package init(milliseconds: UInt64, random: () -> UInt64) {
        high = (milliseconds << 16) | 0x7000 | (random() >> 52)
        low = random() >> 3
    }

    package init(_ uuid: UUID) {
        let (high, low) = withUnsafeBytes(of: uuid.uuid) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.high = high
        self.low = low & (1 << 62 - 1)
    }

    package var uuid: UUID {
        var bytes: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &bytes) { bytes in
            bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            bytes.storeBytes(of: (low | 1 << 63).bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return UUID(uuid: bytes)
    }

    package var isVersion7: Bool { high >> 12 & 0xF == 7 }

    /// The time of the id, since 1970.
    package var milliseconds: UInt64 { high >> 16 }

    /// The id that comes `distance` after this one at the same time; nil when the random bits overflow.
    package func advanced(by distance: UInt64) -> EventID? {
        let sum = low + distance
        if sum < 1 << 62 { return EventID(high: high, low: sum) }
        guard high & 0xFFF < 0xFFF else { return nil }
        return EventID(high: high + 1, low: sum & (1 << 62 - 1))
    }

    /// The distance for which `other.advanced(by:)` is this id; nil for an id before `other`, or one of another time.
    package func distance(from other: EventID) -> UInt64? {
        if high == other.high { return low >= other.low ? low - other.low : nil }
        guard other.high & 0xFFF < 0xFFF, high == other.high + 1 else { return nil }
        return (1 << 62 - other.low) + low
    }

    package static func < (left: EventID, right: EventID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
