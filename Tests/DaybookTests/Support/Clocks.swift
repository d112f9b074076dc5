import Daybook
import Foundation
import Synchronization

/// A clock that a test sets.
final class Hands: Sendable {
    private let seconds: Mutex<Double>
    private let generator: SharedGenerator

    /// - Parameter milliseconds: Since 1970.
    init(milliseconds: Double, seed: UInt64 = 1) {
        seconds = Mutex(milliseconds / 1000)
        generator = SharedGenerator(seed: seed)
    }

    var milliseconds: Double {
        get { seconds.withLock { $0 * 1000 } }
        set { seconds.withLock { $0 = newValue / 1000 } }
    }

    var clock: CommitClock {
        CommitClock(now: { Date(timeIntervalSince1970: self.milliseconds / 1000) }, random: generator.next)
    }
}

extension UUID {
    var bytes: [UInt8] { withUnsafeBytes(of: uuid) { Array($0) } }

    /// All 128 bits as one number.
    var number: UInt128 { bytes.reduce(0) { $0 << 8 | UInt128($1) } }

    init(number: UInt128) {
        self = withUnsafeBytes(of: number.bigEndian) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    /// One of version 7 with these bits.
    init(milliseconds: UInt64, upper: UInt64, lower: UInt64) {
        let high = UInt128(milliseconds) << 16 | 0x7000 | UInt128(upper & 0xFFF)
        self.init(number: high << 64 | 1 << 63 | UInt128(lower & (1 << 62 - 1)))
    }
}
