/// Encodes `Encodable` values as BSON, deterministically: equal values become equal bytes, in every process.
///
/// - Fields are in the order in which they are encoded. Dictionaries whose keys are `String`, `Int` or
///   `CodingKeyRepresentable` become documents sorted by the UTF-8 bytes of their keys; other dictionaries become
///   arrays of alternating keys and values, sorted by the encoded key; sets become arrays sorted by the encoded
///   element.
/// - `Int`, `Int64`, `UInt32`, `UInt` and `UInt64` become `int64`, narrower integers `int32`, `Float` and `Double`
///   `double`.
/// - `Date` becomes a `datetime`, rounded to the millisecond; `UUID` binary of subtype 4; `Data` binary of subtype 0;
///   `Decimal` a `decimal128`; `URL` a string; ``BSONValue`` and the other BSON types themselves. A nil that is encoded
///   becomes `null`; one that is only encoded if present, as synthesized code does, leaves no field.
///
/// A value that BSON cannot hold, an empty key, a key with NUL, or nesting beyond ``BSONDocument/maximumDepth`` throws
/// an `EncodingError` with the coding path, whose `underlyingError` is a ``BSONError``. (The error carries the type of
/// the value, not the value, which may be confidential; the keys in the path are not of the types that the value used.)
/// A container that is used after its value was encoded throws, and writes nothing.
///
/// To encode many values, use one encoder for all: it caches what it learns about their types.
///
/// There are two limits. A field that is encoded twice is written twice. And a `Set` that a type encodes by calling
/// `encode(to:)` on it directly looks like an array, so it keeps the process's own order; encode it through a
/// container.
public struct BSONEncoder: Sendable {
    /// The `userInfo` of the encoders that values are encoded to.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// The storages of finished calls, to be reused. Copies of the encoder share them.
    private let spare = Spare<EncodingStorage>()

    /// An encoder without user info.
    public init() {}

    /// Encodes a value that encodes as a document.
    ///
    /// - Throws: `EncodingError` when it encodes as another kind of value, or for the reasons above; or what `value`
    ///   throws.
    public func encode<T: Encodable>(_ value: T) throws -> BSONDocument {
        try encodeNotingDates(value).document
    }

    /// Encodes a value as ``encode(_:)`` does, and returns whether each date in it decodes to the same date, to the
    /// bit.
    package func encodeNotingDates<T: Encodable>(_ value: T) throws -> (document: BSONDocument, hasExactDates: Bool) {
        try withStorage { storage in
            try storage.encodeRoot(value)
            guard storage.rootType == .document else {
                let error = BSONError(.typeMismatch, "\(T.self) encodes as \(storage.rootType), not as a document.")
                throw storage.invalid(value, [], nil, error)
            }
            return (BSONDocument(unchecked: storage.bytes.array), !storage.hasInexactDate)
        }
    }

    /// Encodes any value as a field's value, as for an operand of a query.
    package func encodeValue<T: Encodable>(_ value: T) throws -> BSONValue {
        try withStorage { storage in
            try storage.encodeRoot(value)
            return try storage.bytes.withUnsafeBytes { try BorrowedValue(type: storage.rootType, bytes: $0).value() }
        }
    }

    @inline(__always)
    func withStorage<R>(_ body: (EncodingStorage) throws -> R) throws -> R {
        var storage = spare.take() ?? EncodingStorage()
        storage.begin(userInfo)
        defer {
            storage.clear()
            // If a value kept its encoder or a container, the storage is still referenced. Do not reuse it: the kept
            // encoder must fail, and not write into another call's output.
            if isKnownUniquelyReferenced(&storage) {
                storage.rest()
                spare.put(storage)
            }
        }
        return try body(storage)
    }
}
