package import Daybook

/// How the aggregates of a subscription are divided among processes: by a fixed hash of their ids.
package enum Partitions {
    /// How many partitions a new subscription has. The number is stored with it, so that all processes agree.
    package static let count = 8

    /// The partition of an aggregate: FNV-1a of 64 bits over the bytes of its id, modulo `count`.
    ///
    /// http://www.isthe.com/chongo/tech/comp/fnv/
    package static func index(of id: AggregateID, count: Int) -> Int {
        guard count > 1 else { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in id.rawValue.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(hash % UInt64(count))
    }
}
