package import DaybookBSON

/// Random documents of every BSON type, the same for the same seed.
package struct RandomBSON {
    package var generator: SeededGenerator
    /// Leaves out what extended JSON cannot say: which NaN it is.
    package var isJSONSafe = false
    /// Leaves out what bson of Python reads as something else: undefined, dbPointer and symbol.
    package var isPythonSafe = false

    package init(seed: UInt64, isJSONSafe: Bool = false, isPythonSafe: Bool = false) {
        generator = SeededGenerator(seed: seed)
        (self.isJSONSafe, self.isPythonSafe) = (isJSONSafe, isPythonSafe)
    }

    package mutating func document(depth: Int = 4) throws -> BSONDocument {
        var document = BSONDocument()
        for index in 0..<number(0...(depth > 3 ? 12 : 4)) {
            // Unlike each other, so that a dictionary of another library keeps them all.
            try document.append("\(text(upTo: 6, isKey: true))\(index)", value(depth: depth - 1))
        }
        return document
    }

    package mutating func value(depth: Int) throws -> BSONValue {
        var types = BSONType.allCases
        if depth <= 0 { types.removeAll { [.document, .array, .javascriptWithScope].contains($0) } }
        if isPythonSafe { types.removeAll { [.undefined, .dbPointer, .symbol].contains($0) } }
        return try value(types.randomElement(using: &generator) ?? .null, depth: depth)
    }

    package mutating func value(_ type: BSONType, depth: Int) throws -> BSONValue {
        switch type {
        case .double: return .double(double())
        case .string: return .string(text(upTo: 20))
        case .document: return .document(try document(depth: depth))
        case .array:
            var values: [BSONValue] = []
            for _ in 0..<number(0...(depth > 2 ? 12 : 3)) { values.append(try value(depth: depth - 1)) }
            return .array(values)
        case .binary: return .binary(binary())
        case .undefined: return .undefined
        case .objectID: return .objectID(objectID())
        case .bool: return .bool(Bool.random(using: &generator))
        case .datetime: return .datetime(BSONDate(milliseconds: integer()))
        case .null: return .null
        case .regex:
            let options = "ilmsux".filter { _ in Bool.random(using: &generator) }
            return .regex(try BSONRegex(pattern: text(upTo: 8, isKey: true), options: options))
        case .dbPointer: return .dbPointer(BSONDBPointer(namespace: text(upTo: 8), id: objectID()))
        case .javascript: return .javascript(text(upTo: 8))
        case .symbol: return .symbol(text(upTo: 8))
        case .javascriptWithScope:
            let code = text(upTo: 8)
            return .javascriptWithScope(BSONJavaScriptWithScope(code: code, scope: try document(depth: depth - 1)))
        case .int32: return .int32(Int32(truncatingIfNeeded: integer()))
        case .timestamp:
            let bits = UInt64(bitPattern: integer())
            return .timestamp(
                BSONTimestamp(
                    seconds: UInt32(truncatingIfNeeded: bits >> 32), increment: UInt32(truncatingIfNeeded: bits)))
        case .int64: return .int64(integer())
        case .decimal128: return .decimal128(decimal())
        case .minKey: return .minKey
        case .maxKey: return .maxKey
        }
    }

    package mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

    /// Of any magnitude, often at an edge.
    package mutating func integer() -> Int64 {
        let edges: [Int64] = [
            0, 1, -1, .min, .max, 1 << 31, -(1 << 31), (1 << 31) - 1, 1 << 53, (1 << 53) + 1, 253_402_300_800_000,
        ]
        if number(0...3) == 0 { return edges.randomElement(using: &generator) ?? 0 }
        return Int64(bitPattern: generator.next()) >> number(0...63)
    }

    package mutating func double() -> Double {
        let edges: [Double] = [
            0, -0.0, .infinity, -.infinity, .nan, 0.1, 1e22, -1.5, .pi, .leastNonzeroMagnitude,
            .greatestFiniteMagnitude,
        ]
        if number(0...2) == 0 { return edges.randomElement(using: &generator) ?? 0 }
        let double = Double(bitPattern: generator.next())
        return double.isNaN && isJSONSafe ? .nan : double
    }

    /// Zero to `count` characters of one to four bytes. A key has neither NUL nor a dollar sign, which means something
    /// in JSON.
    package mutating func text(upTo count: Int, isKey: Bool = false) -> String {
        let characters =
            Array(" aZ09.\"\\/\u{1}\n\u{7F}éß€語😀\u{10FFFF}\u{301}\u{FEFF}\u{2028}".unicodeScalars)
            + (isKey ? [] : ["\0", "$"])
        var text = String.UnicodeScalarView()
        for _ in 0..<number(0...count) { text.append(characters.randomElement(using: &generator) ?? "a") }
        return String(text)
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    private mutating func binary() -> BSONBinary {
        let subtypes: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 0x80, 0xFF]
        // Python refuses a UUID that has not 16 bytes.
        let subtype = BSONBinary.Subtype(rawValue: subtypes.randomElement(using: &generator) ?? 0)
        return BSONBinary(subtype: subtype, bytes: bytes([3, 4].contains(subtype.rawValue) ? 16 : number(0...20)))
    }

    private mutating func objectID() -> BSONObjectID {
        guard let id = BSONObjectID(bytes: bytes(12)) else { preconditionFailure("Twelve bytes are an object id.") }
        return id
    }

    /// By its text, so that it is one of the forms that a text can name.
    private mutating func decimal() -> BSONDecimal128 {
        let special = [
            "NaN", "Infinity", "-Infinity", "0", "-0", "0E+6111", "0E-6176",
            "9.999999999999999999999999999999999E+6144",
        ]
        let digits = (0..<number(1...34)).map { _ in "\(number(0...9))" }.joined()
        let text = "\(Bool.random(using: &generator) ? "-" : "")\(digits)E\(number(-6100...6000))"
        let chosen = number(0...2) == 0 ? special.randomElement(using: &generator) ?? "0" : text
        return BSONDecimal128(chosen) ?? BSONDecimal128(high: 0x3040_0000_0000_0000, low: 1)
    }
}
