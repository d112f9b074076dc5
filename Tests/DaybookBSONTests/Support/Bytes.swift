import CMongoC
import DaybookBSON
import Foundation

/// The bytes that hexadecimal digits stand for; blanks and anything after `//` on a line are ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.split(separator: "\n").flatMap { line in
        (line.range(of: "//").map { line[..<$0.lowerBound] } ?? line).compactMap(\.hexDigitValue)
    }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

extension BSONDocument {
    /// What libbson, which nobody here wrote, thinks of the bytes.
    var isValidToLibbson: Bool {
        bytes.withUnsafeBufferPointer { daybook_bson_validate($0.baseAddress, $0.count) }
    }
}

/// How many random cases a property is tried with: few unless `DAYBOOK_TEST_CASES` asks for more.
let testCases = ProcessInfo.processInfo.environment["DAYBOOK_TEST_CASES"].flatMap(Int.init) ?? 300

extension EncodingError {
    var context: Context {
        switch self {
        case .invalidValue(_, let context): context
        @unknown default: Context(codingPath: [], debugDescription: "unknown")
        }
    }

    var path: [String] { context.codingPath.map(\.stringValue) }
    var code: BSONError.Code? { (context.underlyingError as? BSONError)?.code }
}

extension DecodingError {
    var context: Context {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context
        @unknown default: Context(codingPath: [], debugDescription: "unknown")
        }
    }

    var path: [String] { context.codingPath.map(\.stringValue) }
    var code: BSONError.Code? { (context.underlyingError as? BSONError)?.code }
}
