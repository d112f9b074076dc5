internal import Crypto
public import Daybook
public import Foundation

/// What a request says besides its command.
public struct Request: Sendable {
    /// Its Idempotency-Key: repeated with the same one, it takes effect once.
    public var key: String?
    /// The version that the caller has seen of the aggregate the request is about, if it is only meant for that.
    public var expecting: Int64?
    /// On whose behalf, and in what connection; recorded with every event.
    public var context: CommandContext
    /// The time that it is decided at; now unless set.
    public var now: Date?

    /// A request.
    public init(key: String? = nil, expecting: Int64? = nil, context: CommandContext = .none, at now: Date? = nil) {
        self.key = key
        self.expecting = expecting
        self.context = context
        self.now = now
    }
}

/// Why the domain cannot be asked.
public enum LicensingError: Error, Sendable, Hashable {
    /// There is no licence with this id.
    case unknownLicense(String)
    /// A member's id is not empty and has no colon, which separates it from the title in ``Title``'s key.
    case invalidMember(String)
}

extension License {
    /// The id of the licence that a request issues: the same for the same member and key.
    ///
    /// It has the form of a UUID of version 8 (RFC 9562, section 5.8), made of SHA-256.
    public static func id(member: String, key: String) -> String {
        // No member has a colon.
        var bytes = Array(SHA256.hash(data: Data("\(member):\(key)".utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }.uuidString.lowercased()
    }
}
