/// MongoDB's internal timestamp: the position of an operation in a replica set's oplog. For points in time use
/// ``BSONDate``.
public struct BSONTimestamp: Sendable, Hashable, Comparable {
    /// Seconds since the Unix epoch.
    public var seconds: UInt32
    /// The position among the operations of that second.
    public var increment: UInt32

    /// A timestamp.
    public init(seconds: UInt32, increment: UInt32) {
        self.seconds = seconds
        self.increment = increment
    }

    /// The stored 64 bits: seconds above increment.
    var bits: UInt64 { UInt64(seconds) << 32 | UInt64(increment) }

    init(bits: UInt64) {
        self.init(seconds: UInt32(truncatingIfNeeded: bits >> 32), increment: UInt32(truncatingIfNeeded: bits))
    }

    public static func < (left: BSONTimestamp, right: BSONTimestamp) -> Bool {
        left.bits < right.bits
    }
}
