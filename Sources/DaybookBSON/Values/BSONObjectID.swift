/// MongoDB's 12-byte object identifier.
public struct BSONObjectID: Sendable, Hashable {
    /// The first eight bytes, big-endian.
    private let high: UInt64
    /// The last four bytes, big-endian.
    private let low: UInt32

    /// The identifier made of exactly 12 bytes; nil for any other number of them.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 12 else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The identifier written as 24 hexadecimal digits of either case; nil for anything else.
    public init?(_ hex: String) {
        let digits = hex.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == 24 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 24, by: 2) {
            guard let first = digits[index], let second = digits[index + 1] else { return nil }
            bytes.append(UInt8(first << 4 | second))
        }
        self.init(bytes: bytes)
    }

    /// - Precondition: `bytes` holds 12 bytes.
    init(reading bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 12, "An object id has 12 bytes.")
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// The 12 bytes, in the order they are stored.
    public var bytes: [UInt8] {
        var buffer = ByteBuffer(capacity: 12)
        append(to: &buffer)
        return buffer.array
    }

    func append(to bytes: inout ByteBuffer) {
        bytes.appendInteger(high.byteSwapped)
        bytes.appendInteger(low.byteSwapped)
    }
}

extension BSONObjectID: CustomStringConvertible {
    /// 24 lower-case hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
