package import DaybookBSON
package import DaybookMongo

/// An outcome without its error, for comparisons.
package enum Fate: Sendable, Hashable, CustomStringConvertible {
    case done, notSent
    case failed(MongoError.Code)
    case unknown

    package init(_ outcome: BulkResult.Outcome) {
        self =
            switch outcome {
            case .done: .done
            case .notSent: .notSent
            case .failed(let error): .failed(error.code)
            case .unknown: .unknown
            }
    }

    package var description: String {
        switch self {
        case .done: "done"
        case .notSent: "notSent"
        case .failed(let code): "failed(\(code))"
        case .unknown: "unknown"
        }
    }
}

extension BulkResult {
    package var fates: [Fate] { outcomes.map { Fate($0) } }
}

extension MongoClient {
    package func bulk(_ operations: [BulkOperation], ordered: Bool, in namespace: Namespace) async throws -> BulkResult
    {
        try await withConnection(.single) { try $0.bulkWrite(operations, ordered: ordered, in: namespace) }
    }
}

/// A document whose BSON is `byteCount` long.
package func document(_ id: Int32, byteCount: Int) -> BSONDocument {
    let frame: BSONDocument = ["_id": .int32(id), "fill": ""]
    return ["_id": .int32(id), "fill": .string(String(repeating: "x", count: byteCount - frame.bytes.count))]
}

package func numbers(_ range: Range<Int32>) -> [BSONValue] { range.map { .int32($0) } }
