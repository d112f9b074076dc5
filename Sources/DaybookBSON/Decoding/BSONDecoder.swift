/// Decodes `Decodable` values from BSON, on demand: only the fields that are asked for are read.
///
/// The inverse of ``BSONEncoder``. A number is read from any numeric type that holds exactly a value of the type asked for.
/// `null` and `undefined` are nil. Of a key that occurs twice, the first is likely, but not certain, to be found.
///
/// Bytes are checked as they are read: truncated or hostile ones throw `DecodingError.dataCorrupted` with the coding path and
/// a ``BSONError`` as `underlyingError`. A decoder or container that is kept beyond the call throws when it is used.
///
/// Where many values are decoded, use one decoder for all: it remembers what it found out about their types.
public struct BSONDecoder: Sendable {
    /// What the values find in their decoder's `userInfo`.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// The storages of calls that are over, for the next; copies of the decoder share them.
    private let spare = Spare<DecodingStorage>()

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
        try withStorage(document) { storage in try storage.decode(type, from: storage.rootValue()) }
    }

    /// Decodes a case of an enum from an event, the inverse of ``BSONEncoder/encodeCase(_:)``.
    ///
    /// - Parameters:
    ///   - name: the case's coding key.
    ///   - payload: its associated values; those of a single unlabelled one may be the payload themselves.
    /// - Throws: ``BSONError/Code/unknownCase``, which names it, when `T` has no such case; else as ``decode(_:from:)``.
    package func decodeCase<T: Decodable>(_ type: T.Type, name: String, payload: BorrowedDocument) throws -> T {
        try withStorage(payload, caseName: name) { storage in
            do {
                return try T(from: CaseDecoder(storage: storage))
            } catch DecodingError.dataCorrupted where storage.isCaseReadAsText {
                // A raw value that the enum does not have.
                throw BSONError.unknownCase(name)
            }
        }
    }

    @inline(__always)
    private func withStorage<R>(
        _ root: BorrowedDocument, caseName: String? = nil, _ body: (DecodingStorage) throws -> R
    ) throws -> R {
        var storage = spare.take() ?? DecodingStorage()
        storage.begin(root, userInfo, caseName: caseName)
        defer {
            storage.expire()
            // Who kept a decoder or a container keeps the storage too; it must stay as it is, for them to find nothing in it.
            if isKnownUniquelyReferenced(&storage) {
                storage.rest()
                spare.put(storage)
            }
        }
        let result = try body(storage)
        try storage.throwRemembered()
        return result
    }
}
