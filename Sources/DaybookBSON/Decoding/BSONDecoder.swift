/// Decodes `Decodable` values from BSON, on demand: only the fields that are asked for are read.
///
/// The inverse of ``BSONEncoder``. A number is read from any numeric type that holds exactly a value of the type asked for.
/// `null` and `undefined` are nil. Of a key that occurs twice, the first is likely, but not certain, to be found.
///
/// Bytes are checked as they are read: truncated or hostile ones throw `DecodingError.dataCorrupted` with the coding path and
/// a ``BSONError`` as `underlyingError`. A decoder or container that is kept beyond the call throws when it is used.
public struct BSONDecoder: Sendable {
    /// What the values find in their decoder's `userInfo`.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// A decoder without user info.
    public init() {}

    /// Decodes a value from a whole document.
    ///
    /// - Throws: `DecodingError`, or what the value's own `init(from:)` throws.
    public func decode<T: Decodable>(_ type: T.Type, from document: BSONDocument) throws -> T {
        try document.withBorrowed { try decode(type, from: $0) }
    }

    /// Decodes a value from a whole document, whose bytes are read in place.
    package func decode<T: Decodable>(_ type: T.Type, from document: BorrowedDocument) throws -> T {
        let storage = DecodingStorage(document, userInfo: userInfo)
        defer { storage.expire() }
        let value = try storage.decode(type, from: storage.rootValue())
        try storage.throwRemembered()
        return value
    }

    /// Decodes a case of an enum from an event, the inverse of ``BSONEncoder/encodeCase(_:)``.
    ///
    /// - Parameters:
    ///   - name: the case's coding key.
    ///   - payload: its associated values; those of a single unlabelled one may be the payload themselves.
    /// - Throws: ``BSONError/Code/unknownCase``, which names it, when `T` has no such case; else as ``decode(_:from:)``.
    package func decodeCase<T: Decodable>(_ type: T.Type, name: String, payload: BorrowedDocument) throws -> T {
        let storage = DecodingStorage(payload, userInfo: userInfo, caseName: name)
        defer { storage.expire() }
        do {
            let value = try T(from: CaseDecoder(storage: storage))
            try storage.throwRemembered()
            return value
        } catch DecodingError.dataCorrupted where storage.isCaseReadAsText {
            // A raw value that the enum does not have.
            throw BSONError.unknownCase(name)
        }
    }
}
