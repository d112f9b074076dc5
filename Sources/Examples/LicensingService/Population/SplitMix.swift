internal import Foundation

/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c): small, fast, and with the same numbers on every machine for one
/// seed.
struct SplitMix: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// An independent generator for each number.
    static func derived(from seed: UInt64, _ number: Int) -> SplitMix {
        var mixed = SplitMix(state: seed)
        return SplitMix(state: mixed.next() ^ (UInt64(number) &* 0xD1B5_4A32_D192_ED03))
    }

    /// True with this probability.
    mutating func chance(_ probability: Double) -> Bool { Double(next() >> 11) < probability * 0x1p53 }

    /// The same number in every run and on every machine, unlike the standard library's algorithm, which may change
    /// with its version.
    mutating func number(_ range: Range<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }

    /// A time of this many minutes, and a random number of seconds.
    mutating func minutes(_ range: Range<Int>) -> TimeInterval { Double(number(range)) * 60 + Double(number(0..<60)) }
}
