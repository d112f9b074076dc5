/// Decodes `Decodable` values from BSON, on demand: only the fields that a value requests are read.
///
/// The inverse of ``BSONEncoder``. A number is read from any numeric type, if the requested type holds it exactly.
/// `null` and `undefined` are nil. If a key occurs twice, the first is likely, but not certain, to be found.
///
/// Bytes are checked as they are read: truncated or hostile ones throw `DecodingError.dataCorrupted` with the coding
/// path and a ``BSONError`` as `underlyingError`. A decoder or container that is kept beyond the call throws when it is
/// used.
///
/// To decode many values, use one decoder for all: it caches what it learns about their types.
public struct BSONDecoder: Sendable {
    /// The `userInfo` of the decoders that values are decoded from.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// The storages of finished calls, to be reused. Copies of the decoder share them.
    private let spare = Spare<DecodingStorage>()

    /// A decoder without user info.
    public init() {}

    /// Decodes a value from a whole document.
    ///
    /// - Throws: `DecodingError`, or what the value's own `init(from:)` throws.
    public func decode<T: Decodable>(_ type: T.Type, from document: BSONDocument) throws -> T {
        try document.withBorrowed { try decode(type, from: $0) }
    }

    /// Decodes a value from a whole document. The bytes are read in place.
    package func decode<T: Decodable>(_ type: T.Type, from document: BorrowedDocument) throws -> T {
        try withStorage(document) { storage in try storage.decode(type, from: storage.rootValue()) }
    }

    /// Decodes a case of an enum from an event, the inverse of ``BSONEncoder/encodeCase(_:)``.
    ///
    /// - Parameters:
    ///   - name: the case's coding key.
    ///   - payload: its associated values. If there is only one and it has no label, its document may itself be the
    ///     payload.
    /// - Throws: ``BSONError/Code/unknownCase``, which names the case, when `T` has no such case; otherwise as
    ///   ``decode(_:from:)``.
    package func decodeCase<T: Decodable>(_ type: T.Type, name: String, payload: BorrowedDocument) throws -> T {
        try withStorage(payload, caseName: name) { storage in
            do {
                return try T(from: CaseDecoder(storage: storage))
            } catch DecodingError.dataCorrupted where storage.isCaseReadAsText {
                // The name is not a raw value of the enum.
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
            // If a value kept its decoder or a container, the storage is still referenced. Do not reuse it: the kept
            // decoder must fail, and not see another call's bytes.
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
