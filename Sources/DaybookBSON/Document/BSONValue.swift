/// Any BSON value, owned.
///
/// Two values are equal exactly when their BSON bytes are: strings compare by UTF-8 bytes as in MongoDB, not by Unicode
/// equivalence; `int32(1)` and `int64(1)` differ; a NaN equals the same NaN; `-0.0` differs from `0.0`.
///
/// An integer literal is an `int64`, a fractional one a `double`.
public enum BSONValue: Sendable {
    case double(Double)
    case string(String)
    case document(BSONDocument)
    case array([BSONValue])
    case binary(BSONBinary)
    case undefined
    case objectID(BSONObjectID)
    case bool(Bool)
    case datetime(BSONDate)
    case null
    case regex(BSONRegex)
    case dbPointer(BSONDBPointer)
    case javascript(String)
    case symbol(String)
    case javascriptWithScope(BSONJavaScriptWithScope)
    case int32(Int32)
    case timestamp(BSONTimestamp)
    case int64(Int64)
    case decimal128(BSONDecimal128)
    case minKey
    case maxKey
}

extension BSONValue {
    /// The type byte this value is written with.
    public var type: BSONType {
        switch self {
        case .double: .double
        case .string: .string
        case .document: .document
        case .array: .array
        case .binary: .binary
        case .undefined: .undefined
        case .objectID: .objectID
        case .bool: .bool
        case .datetime: .datetime
        case .null: .null
        case .regex: .regex
        case .dbPointer: .dbPointer
        case .javascript: .javascript
        case .symbol: .symbol
        case .javascriptWithScope: .javascriptWithScope
        case .int32: .int32
        case .timestamp: .timestamp
        case .int64: .int64
        case .decimal128: .decimal128
        case .minKey: .minKey
        case .maxKey: .maxKey
        }
    }
}

extension BSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An int64.
    public init(integerLiteral value: Int64) { self = .int64(value) }
    /// A double.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A bool.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array.
    public init(arrayLiteral elements: BSONValue...) { self = .array(elements) }
    /// Null.
    public init(nilLiteral: ()) { self = .null }

    /// A document with these fields in this order.
    ///
    /// - Precondition: as ``BSONDocument/init(dictionaryLiteral:)``.
    public init(dictionaryLiteral elements: (String, BSONValue)...) {
        self = .document(BSONDocument(literal: elements))
    }
}
