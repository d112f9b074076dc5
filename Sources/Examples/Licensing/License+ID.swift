internal import Crypto
internal import Foundation

extension License {
    /// The id of the licence that a request issues: the same for the same member and key.
    ///
    /// It has the form of a UUID of version 8 (RFC 9562, section 5.8), made of SHA-256.
    public static func id(member: String, key: String) -> String {
        // A member id contains no colon, so the text is unambiguous.
        var bytes = Array(SHA256.hash(data: Data("\(member):\(key)".utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }.uuidString.lowercased()
    }
}
