internal import DaybookBSON

/// A kind of value that MongoDB sorts apart from other kinds, in MongoDB's order.
enum SortKind: Int, CaseIterable, Comparable {
    case null, number, text, document, binary, objectID, bool, date, timestamp

    /// Returns nil for a value that MongoDB does not compare, or does not sort as a whole: it sorts an array by its
    /// smallest element.
    init?(_ value: BSONValue) {
        let kind = Self.allCases.first { $0.types.contains(value.type) }
        guard let kind else { return nil }
        self = kind
    }

    var types: [BSONType] {
        switch self {
        case .null: [.null]
        case .number: [.double, .int32, .int64, .decimal128]
        case .text: [.string, .symbol]
        case .document: [.document]
        case .binary: [.binary]
        case .objectID: [.objectID]
        case .bool: [.bool]
        case .date: [.datetime]
        case .timestamp: [.timestamp]
        }
    }

    static func < (left: SortKind, right: SortKind) -> Bool { left.rawValue < right.rawValue }
}

extension BSONValue {
    var isNaN: Bool {
        switch self {
        case .double(let number): number.isNaN
        // https://github.com/mongodb/specifications/blob/master/source/bson-decimal128/decimal128.md
        case .decimal128(let number): number.high >> 58 & 0x1F == 0x1F
        default: false
        }
    }
}
