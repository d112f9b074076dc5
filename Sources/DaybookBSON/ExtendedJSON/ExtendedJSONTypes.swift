internal import Foundation

/// Recognizes documents that spell a value in extended JSON, such as `{"$oid": "..."}`, after their content was parsed.
///
/// The forms are those of the MongoDB specification `source/extended-json`: version 2 in both spellings, and of version
/// 1 `{"$binary": "...", "$type": "..."}` and `{"$regex": "...", "$options": "..."}`.
enum ExtendedJSONTypes {
    private static let names: Set = [
        "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$oid", "$symbol", "$uuid", "$binary", "$code",
        "$scope",
        "$date", "$timestamp", "$regularExpression", "$dbPointer", "$undefined", "$minKey", "$maxKey",
    ]
    /// These spell a value only as a pair; otherwise they are operators of queries.
    private static let operators: Set = ["$regex", "$options", "$type"]
    private static let pairs: Set<Set<String>> = [["$code", "$scope"], ["$regex", "$options"], ["$binary", "$type"]]

    /// The value that the document spells; nil when it is an ordinary document.
    ///
    /// Values are copied only once the keys are those of a type, because this runs for every level of nested documents.
    ///
    /// - Throws: ``BSONError/Code/invalidJSON`` when it begins like the spelling of a type and continues differently.
    ///   The message has neither place nor full stop.
    static func value(of document: BorrowedDocument) throws(BSONError) -> BSONValue? {
        var elements = document.makeElements()
        guard let first = try elements.next() else { return nil }
        let name = try first.keyString
        let isOperator = operators.contains(name)
        guard isOperator || names.contains(name) else { return nil }
        let second = try elements.next()
        let third = try elements.next()
        if let second, third == nil {
            let other = try second.keyString
            if pairs.contains([name, other]),
                let value = try value(ofPair: [name: first.value(), other: second.value()])
            {
                return value
            }
        }
        if isOperator { return nil }
        guard second == nil else { throw invalid("Other fields stand beside \(name)") }
        return try value(name, first.value())
    }

    private static func value(ofPair pair: [String: BSONValue]) throws(BSONError) -> BSONValue? {
        if case (.string(let code)?, let scope?) = (pair["$code"], pair["$scope"]) {
            guard case .document(let scope) = scope else { throw invalid("A $scope is a document") }
            return .javascriptWithScope(BSONJavaScriptWithScope(code: code, scope: scope))
        }
        if case (.string(let pattern)?, .string(let options)?) = (pair["$regex"], pair["$options"]) {
            return .regex(try regex(pattern, options))
        }
        if case (.string(let base64)?, .string(let subtype)?) = (pair["$binary"], pair["$type"]) {
            return .binary(try binary(base64, subtype))
        }
        return nil
    }

    private static func value(_ name: String, _ content: BSONValue) throws(BSONError) -> BSONValue {
        switch (name, content) {
        case ("$numberInt", .string(let text)):
            guard let value = Int32(text) else { throw invalid("A $numberInt is an integer of 32 bits with sign") }
            return .int32(value)
        case ("$numberLong", .string(let text)):
            guard let value = Int64(text) else { throw invalid("A $numberLong is an integer of 64 bits with sign") }
            return .int64(value)
        case ("$numberDouble", .string(let text)): return .double(try double(text))
        case ("$numberDecimal", .string(let text)):
            guard let value = BSONDecimal128(text) else {
                throw invalid("A $numberDecimal is a number of at most 34 digits")
            }
            return .decimal128(value)
        case ("$oid", .string(let text)):
            guard let value = BSONObjectID(text) else { throw invalid("An $oid is 24 hexadecimal digits") }
            return .objectID(value)
        case ("$uuid", .string(let text)):
            guard text.utf8.count == 36, let value = UUID(uuidString: text) else {
                throw invalid("A $uuid is 32 hexadecimal digits with hyphens")
            }
            return .binary(BSONBinary(value))
        case ("$date", .int64(let milliseconds)): return .datetime(BSONDate(milliseconds: milliseconds))
        case ("$date", .string(let text)):
            guard let value = BSONDate(iso8601: text) else {
                throw invalid("A $date is YYYY-MM-DDThh:mm:ss with at most three decimals and a zone, or a $numberLong")
            }
            return .datetime(value)
        case ("$symbol", .string(let text)): return .symbol(text)
        case ("$code", .string(let text)): return .javascript(text)
        case ("$undefined", .bool(true)): return .undefined
        case ("$minKey", .int32(1)): return .minKey
        case ("$maxKey", .int32(1)): return .maxKey
        case ("$binary", .document(let parts)):
            guard try parts.hasOnly("base64", "subType"),
                case (.string(let base64)?, .string(let subtype)?) = (parts["base64"], parts["subType"])
            else { break }
            return .binary(try binary(base64, subtype))
        case ("$regularExpression", .document(let parts)):
            guard try parts.hasOnly("pattern", "options"),
                case (.string(let pattern)?, .string(let options)?) = (parts["pattern"], parts["options"])
            else { break }
            return .regex(try regex(pattern, options))
        case ("$dbPointer", .document(let parts)):
            guard try parts.hasOnly("$ref", "$id"),
                case (.string(let namespace)?, .objectID(let id)?) = (parts["$ref"], parts["$id"])
            else { break }
            return .dbPointer(BSONDBPointer(namespace: namespace, id: id))
        case ("$timestamp", .document(let parts)):
            guard try parts.hasOnly("t", "i"), let seconds = parts["t"]?.uint32, let increment = parts["i"]?.uint32
            else { break }
            return .timestamp(BSONTimestamp(seconds: seconds, increment: increment))
        default: break
        }
        throw invalid("The content of a \(name) is malformed")
    }

    private static func double(_ text: String) throws(BSONError) -> Double {
        switch text {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        default:
            let isDecimal = text.utf8.allSatisfy("0123456789+-.eE".utf8.contains)
            guard isDecimal, let value = Double(text), value.isFinite else {
                throw invalid("A $numberDouble is a double")
            }
            return value
        }
    }

    private static func regex(_ pattern: String, _ options: String) throws(BSONError) -> BSONRegex {
        guard let regex = try? BSONRegex(pattern: pattern, options: options) else {
            throw invalid("A regular expression contains NUL")
        }
        return regex
    }

    private static func binary(_ base64: String, _ subtype: String) throws(BSONError) -> BSONBinary {
        guard let content = Data(base64Encoded: base64) else { throw invalid("The content of a $binary is not base64") }
        guard (1...2).contains(subtype.utf8.count), subtype.allSatisfy(\.isHexDigit),
            let subtype = UInt8(subtype, radix: 16)
        else {
            throw invalid("The subtype of a $binary is two hexadecimal digits")
        }
        return BSONBinary(subtype: .init(rawValue: subtype), bytes: Array(content))
    }

    private static func invalid(_ message: String) -> BSONError { BSONError(.invalidJSON, message) }
}

extension BSONDocument {
    fileprivate func hasOnly(_ keys: String...) throws(BSONError) -> Bool {
        let found = withBorrowed { document in
            Result { () throws(BSONError) -> [String] in
                var found: [String] = []
                var elements = document.makeElements()
                while let element = try elements.next(), found.count <= keys.count {
                    found.append(try element.keyString)
                }
                return found
            }
        }
        return try found.get().sorted() == keys.sorted()
    }
}

extension BSONValue {
    fileprivate var uint32: UInt32? {
        switch self {
        case .int32(let value): UInt32(exactly: value)
        case .int64(let value): UInt32(exactly: value)
        default: nil
        }
    }
}

extension BSONDate {
    /// `2030-01-31T23:59:59.999Z`, with zero to three decimals and a zone of `Z`, `+hh:mm` or `+hhmm`; nil for anything
    /// else, such as a day that the month does not have.
    init?(iso8601 text: String) {
        var rest = Array(text.utf8)[...]
        func digits(_ count: ClosedRange<Int>) -> Int64? {
            let found = rest.prefix(count.upperBound).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard count.contains(found.count) else { return nil }
            rest = rest.dropFirst(found.count)
            return found.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        }
        func skip(_ characters: String) -> Bool {
            guard let byte = rest.first, characters.utf8.contains(byte) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = digits(4...4), skip("-"), let month = digits(2...2), skip("-"), let day = digits(2...2),
            skip("T"),
            let hour = digits(2...2), skip(":"), let minute = digits(2...2), skip(":"), let second = digits(2...2),
            (1...12).contains(month), (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let daysOfMonths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...daysOfMonths[Int(month) - 1]).contains(day) else { return nil }
        var fraction: Int64 = 0
        if skip(".") {
            let before = rest.count
            guard let decimals = digits(1...3) else { return nil }
            fraction = [100, 10, 1][before - rest.count - 1] * decimals
        }
        var zone: Int64 = 0
        if !skip("Z") {
            let isWest = rest.first == UInt8(ascii: "-")
            guard skip("+-"), let hours = digits(2...2), hours <= 23 else { return nil }
            _ = skip(":")
            guard let minutes = digits(2...2), minutes <= 59 else { return nil }
            zone = (isWest ? -1 : 1) * (hours * 60 + minutes)
        }
        guard rest.isEmpty else { return nil }
        // Leap days up to and including `years`, counted from year 0; 719,528 days lie between then and 1970.
        let years = year - 1
        let leapDays = year == 0 ? 0 : years / 4 - years / 100 + years / 400 + 1
        let days = year * 365 + leapDays + daysOfMonths[..<(Int(month) - 1)].reduce(0, +) + day - 1 - 719_528
        milliseconds = (((days * 24 + hour) * 60 + minute - zone) * 60 + second) * 1000 + fraction
    }
}
