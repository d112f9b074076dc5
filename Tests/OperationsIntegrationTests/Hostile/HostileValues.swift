import DaybookBSON
import TestSupport

/// Values that no commit writes, the same for the same seed.
struct HostileValues {
    var random: RandomBSON

    init(seed: UInt64) {
        random = RandomBSON(seed: seed)
    }

    mutating func chance(_ one: Int) -> Bool { random.number(1...one) == 1 }

    mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random.generator) }

    /// A value of any type, mostly at an edge of it.
    mutating func value() throws -> BSONValue {
        switch random.number(0...9) {
        case 0...3: return number()
        case 4: return .datetime(BSONDate(milliseconds: milliseconds()))
        case 5: return .string(text())
        case 6: return try nested(random.number(1...90))
        case 7:
            return pick([
                .undefined, .minKey, .maxKey, .null, .regex(try BSONRegex(pattern: "((((", options: "i")), .symbol("x"),
                .javascript("while (true) {}"),
                .javascriptWithScope(BSONJavaScriptWithScope(code: "x", scope: ["x": 1])),
                .binary(BSONBinary(subtype: .uuid, bytes: [1, 2, 3])), .binary(BSONBinary(bytes: [])), .array([]),
                .document([:]),
                .array([.null, .double(.nan)]), .timestamp(BSONTimestamp(seconds: .max, increment: .max)), .bool(true),
            ]) ?? .null
        default: return try random.value(depth: 2)
        }
    }

    /// A number at an edge of its type.
    mutating func number() -> BSONValue {
        let decimals = [
            "9.999999999999999999999999999999999E+6144", "1E-6176", "NaN", "Infinity", "-Infinity", "-0", "0E+6111",
        ]
        switch random.number(0...3) {
        case 0: return .int64(pick([.min, .min + 1, -1, 0, .max - 1, .max, 1 << 53, 1 << 31]) ?? 0)
        case 1: return .int32(pick([.min, -1, 0, .max]) ?? 0)
        case 2:
            let edges: [Double] = [
                .nan, .infinity, -.infinity, 1e300, -1e300, -0.0, 0x1p63, -0x1p63, .leastNonzeroMagnitude, 1.5,
            ]
            return .double(pick(edges) ?? 0)
        default: return pick(decimals).flatMap { BSONDecimal128($0) }.map { .decimal128($0) } ?? .null
        }
    }

    mutating func milliseconds() -> Int64 {
        pick([
            .min, .min + 1, .max, .max - 1, 0, -1, 253_402_300_800_000, -62_135_596_800_001, 1 << 60, 0xFFFF_FFFF_FFFF,
        ]) ?? 0
    }

    mutating func text() -> String {
        let texts = [
            "", "\0", "$", "a.b", "/", "license/", "license/\u{1}", "\u{1B}[2J", "٣", "e\u{301}", "\u{10FFFF}",
            "running", "done",
            String(repeating: "x", count: 20_000), String(repeating: "license/", count: 100),
        ]
        return pick(texts) ?? ""
    }

    /// Documents and arrays in each other, so many levels deep.
    func nested(_ levels: Int) throws -> BSONValue {
        var value: BSONValue = .int32(1)
        for level in 0..<levels {
            if level.isMultiple(of: 3) {
                value = .array([value])
            } else {
                var document = BSONDocument()
                try document.append("x", value)
                value = .document(document)
            }
        }
        return value
    }

    // MARK: Documents

    /// `document` with something in it that is not as it was written: another value, one field less or twice, or one
    /// that nobody knows.
    mutating func damaged(_ document: BSONDocument, depth: Int = 0) throws -> BSONDocument {
        var fields = document.fields.filter { depth > 0 || $0.key != "_id" }
        let id = depth > 0 ? nil : document["_id"]
        guard let index = fields.indices.randomElement(using: &random.generator) else {
            return try Self.document(id, [(text(), try value())])
        }
        switch random.number(0...11) {
        case 0: fields.remove(at: index)
        case 1: fields.append((fields[index].key, try value()))
        case 2: fields.insert((fields[index].key, try value()), at: index)
        case 3: fields.append((text(), try value()))
        case 4: fields[index].key = text()
        case 5: fields.shuffle(using: &random.generator)
        case 6...8:
            if case .document(let inner) = fields[index].value {
                fields[index].value = .document(try damaged(inner, depth: depth + 1))
            } else if case .array(let values) = fields[index].value, case .document(let inner)? = values.first {
                fields[index].value = .array([.document(try damaged(inner, depth: depth + 1))] + values.dropFirst())
            } else {
                fallthrough
            }
        case 9:
            // Another value of its own type.
            switch fields[index].value {
            case .int64, .int32, .double: fields[index].value = number()
            case .datetime: fields[index].value = .datetime(BSONDate(milliseconds: milliseconds()))
            case .string: fields[index].value = .string(text())
            default: fields[index].value = try value()
            }
        default: fields[index].value = try value()
        }
        return try Self.document(id, fields)
    }

    private static func document(_ id: BSONValue?, _ fields: [(key: String, value: BSONValue)]) throws -> BSONDocument {
        var document = BSONDocument()
        if let id { try document.append("_id", id) }
        // A key with NUL cannot be written.
        for (key, value) in fields { try document.append(key.replacing("\0", with: "0"), value) }
        return document
    }
}
