public import Foundation

/// Bytes with a subtype that states their meaning.
public struct BSONBinary: Sendable, Hashable {
    /// The meaning of the bytes; 0x80 and above are user-defined.
    public struct Subtype: RawRepresentable, Sendable, Hashable {
        /// BSON's byte for the subtype.
        public let rawValue: UInt8
        /// A subtype by its byte; 0x80 and above are user-defined.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Bytes without a meaning that BSON knows.
        public static let generic = Subtype(rawValue: 0x00)
        /// A function, in a driver-specific form.
        public static let function = Subtype(rawValue: 0x01)
        /// The outdated generic form, whose bytes are stored after a second length.
        public static let outdatedGeneric = Subtype(rawValue: 0x02)
        /// A UUID in a byte order that depends on the driver that wrote it.
        public static let outdatedUUID = Subtype(rawValue: 0x03)
        /// A UUID, in the byte order of RFC 9562.
        public static let uuid = Subtype(rawValue: 0x04)
        /// An MD5 digest.
        public static let md5 = Subtype(rawValue: 0x05)
        /// A value of client-side field level encryption.
        public static let encrypted = Subtype(rawValue: 0x06)
    }

    /// What the bytes mean.
    public var subtype: Subtype
    /// The content. The second length of ``Subtype/outdatedGeneric`` is not part of it.
    public var bytes: [UInt8]

    /// Bytes with their subtype.
    public init(subtype: Subtype = .generic, bytes: [UInt8]) {
        self.subtype = subtype
        self.bytes = bytes
    }

    /// The bytes as a UUID; nil for another subtype or length.
    package var uuid: UUID? {
        guard subtype == .uuid, bytes.count == 16 else { return nil }
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    /// `uuid` in RFC 9562 byte order, subtype 4.
    public init(_ uuid: UUID) {
        self.init(subtype: .uuid, bytes: withUnsafeBytes(of: uuid.uuid) { Array($0) })
    }
}
