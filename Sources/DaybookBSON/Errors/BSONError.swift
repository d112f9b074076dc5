/// What went wrong while BSON was read, written, or converted.
///
/// Codable calls throw the standard `EncodingError` and `DecodingError`. Where the cause is in the bytes, their
/// `underlyingError` is a `BSONError`. The message shows only keys and type names, never values.
public struct BSONError: Error, Sendable, Hashable {
    /// What a caller can act upon.
    public enum Code: String, Sendable, Hashable {
        /// The bytes are not a well-formed document: truncated, a bad length, an unknown type, invalid UTF-8.
        case corrupt
        /// A well-formed field has another type than the requested one.
        case typeMismatch
        /// The value exists, but the target cannot hold it exactly: a number out of range, a non-finite date.
        case notRepresentable
        /// A text is not the extended JSON of a document, or has a value that its type cannot have.
        case invalidJSON
        /// Nesting exceeds the limit, ``BSONDocument/maximumDepth`` unless a call sets a lower one.
        case tooDeep
        /// A document exceeds the limit of the call, or the 2 GiB that its length prefix can state.
        case tooLarge
        /// A key is empty where a name is needed, contains NUL, or occurs twice.
        case invalidKey
        /// No case of the enum has this name.
        case unknownCase
        /// An encoder, a decoder or a container was used after its call had returned.
        case expired
    }

    /// What a caller can act upon.
    public let code: Code
    /// One sentence for people.
    public let message: String
    /// The keys from the root document to the fault, as far as they are known; array positions in decimal.
    public internal(set) var path: [String]

    package init(_ code: Code, _ message: String, path: [String] = []) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// This error as seen from one level further out, at `key`.
    func prefixed(by key: String) -> BSONError {
        BSONError(code, message, path: [key] + path)
    }
}

extension BSONError: CustomStringConvertible {
    /// Code, place and sentence, in one line.
    public var description: String {
        path.isEmpty ? "\(code.rawValue): \(message)" : "\(code.rawValue) at \(path.joined(separator: ".")): \(message)"
    }
}
