/// Parses an extended JSON text into the bytes of a document, strictly: RFC 8259, and only valid spellings of types.
///
/// It replaces libbson's reader, because that of version 1.23 has faults. It takes the key of a `$code` or `$dbPointer`
/// inside an array from uninitialized memory, treats `$code` inside a `$scope` as a document, reads a wrong
/// `$numberDecimal` or `$numberDouble` as NaN or zero, cuts code at its NUL, and ignores a second document. The tests
/// compare the two where libbson's is right.
struct ExtendedJSONReader: ~Copyable {
    private let text: UnsafeRawBufferPointer
    /// How many bytes at the start are an object around the caller's value, and not the caller's own.
    private let wrapping: Int
    private let maximumBytes: Int
    private var offset = 0
    private var bytes: ByteBuffer

    /// More levels than the document may have: the spelling of a type is first parsed as documents, at most three
    /// levels deep.
    private static let maximumLevels = BSONDocument.maximumDepth + 3

    /// - Parameter text: valid UTF-8, borrowed for the lifetime of this value.
    init(_ text: UnsafeRawBufferPointer, wrapping: Int, maximumBytes: Int) {
        self.text = text
        self.wrapping = wrapping
        self.maximumBytes = maximumBytes
        bytes = ByteBuffer(capacity: min(text.count, maximumBytes))
    }

    /// Parses the text, which must be exactly one document.
    mutating func read() throws(BSONError) -> [UInt8] {
        skipBlanks()
        guard next == UInt8(ascii: "{") else { throw invalid("A document begins with {") }
        try readContainer(isArray: false, level: 1)
        skipBlanks()
        guard next == nil else { throw invalid("Something follows the document") }
        guard bytes.count <= maximumBytes else { throw .tooLarge(bytes.count, maximum: maximumBytes) }
        let bytes = bytes.array
        try DocumentValidation.validate(bytes, maximumDepth: BSONDocument.maximumDepth)
        return bytes
    }

    private mutating func readContainer(isArray: Bool, level: Int) throws(BSONError) {
        guard level <= Self.maximumLevels else { throw .nestedTooDeep }
        let close = isArray ? UInt8(ascii: "]") : UInt8(ascii: "}")
        let start = bytes.count
        offset += 1
        bytes.appendInteger(Int32(0))
        skipBlanks()
        if next != close {
            var index = 0
            while true {
                try readElement(index: isArray ? index : nil, level: level)
                skipBlanks()
                if next == close { break }
                guard next == UInt8(ascii: ",") else {
                    throw invalid("A comma or the end of the \(isArray ? "array" : "object") is missing")
                }
                offset += 1
                index += 1
            }
        }
        offset += 1
        try bytes.endDocument(startingAt: start)
    }

    /// - Parameter index: the element's in an array; nil in an object.
    private mutating func readElement(index: Int?, level: Int) throws(BSONError) {
        let header = bytes.count
        bytes.append(BSONType.null.rawValue)
        skipBlanks()
        if let index {
            bytes.appendIndexKey(index)
        } else {
            guard next == UInt8(ascii: "\"") else { throw invalid("A key is missing") }
            let key = offset
            try readString()
            guard !bytes.withUnsafeBytes({ $0[(header + 1)...].contains(0) }) else {
                throw invalid("A key contains NUL", at: key)
            }
            bytes.append(0)
            skipBlanks()
            guard next == UInt8(ascii: ":") else { throw invalid("A colon is missing") }
            offset += 1
        }
        do throws(BSONError) {
            skipBlanks()
            bytes[header] = try readValue(level: level).rawValue
            // Twice the limit, because what is parsed may be the long spelling of a short value.
            guard bytes.count / 2 <= maximumBytes else { throw .tooLarge(bytes.count, maximum: maximumBytes) }
        } catch {
            throw error.prefixed(by: bytes.cString(at: header + 1))
        }
    }

    private mutating func readValue(level: Int) throws(BSONError) -> BSONType {
        switch next {
        case UInt8(ascii: "{"): return try readObject(level: level + 1)
        case UInt8(ascii: "["):
            try readContainer(isArray: true, level: level + 1)
            return .array
        case UInt8(ascii: "\""):
            let start = bytes.count
            bytes.appendInteger(Int32(0))
            try readString()
            bytes.append(0)
            guard let length = Int32(exactly: bytes.count - start - 4) else { throw .documentTooLarge }
            bytes.patchInteger(length, at: start)
            return .string
        case UInt8(ascii: "t"):
            try readWord("true")
            bytes.append(1)
            return .bool
        case UInt8(ascii: "f"):
            try readWord("false")
            bytes.append(0)
            return .bool
        case UInt8(ascii: "n"):
            try readWord("null")
            return .null
        default: return try readNumber()
        }
    }

    /// Parses a document, or the value that it spells.
    private mutating func readObject(level: Int) throws(BSONError) -> BSONType {
        let (opening, start) = (offset, bytes.count)
        try readContainer(isArray: false, level: level)
        // The first key follows the length and the type byte.
        guard bytes.count > start + 6, bytes[start + 5] == UInt8(ascii: "$") else { return .document }
        let spelled = bytes.withUnsafeBytes { buffer in
            Result { () throws(BSONError) in
                try ExtendedJSONTypes.value(
                    of: BorrowedDocument(trusting: UnsafeRawBufferPointer(rebasing: buffer[start...])))
            }
        }
        do throws(BSONError) {
            guard let value = try spelled.get() else { return .document }
            bytes.removeLast(bytes.count - start)
            return try value.appendBSON(to: &bytes)
        } catch {
            guard error.code == .invalidJSON else { throw error }
            throw invalid(error.message, at: opening)
        }
    }
}

// MARK: tokens

extension ExtendedJSONReader {
    private var next: UInt8? { offset < text.count ? text[offset] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func readWord(_ word: StaticString) throws(BSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard next == word.utf8Start[index] else { throw invalid("A word is none of true, false and null") }
            offset += 1
        }
    }

    private mutating func readNumber() throws(BSONError) -> BSONType {
        let start = offset
        if next == UInt8(ascii: "-") { offset += 1 }
        let first = next
        let integerDigits = skipDigits()
        guard integerDigits > 0, integerDigits == 1 || first != UInt8(ascii: "0") else {
            throw invalid("A value is missing or malformed")
        }
        var isInteger = true
        if next == UInt8(ascii: ".") {
            offset += 1
            isInteger = false
            guard skipDigits() > 0 else { throw invalid("A number ends at its point") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            offset += 1
            isInteger = false
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
            guard skipDigits() > 0 else { throw invalid("A number has no exponent") }
        }
        let number = String(decoding: text[start..<offset], as: UTF8.self)
        if isInteger {
            if let value = Int32(number) { return try value.appendBSON(to: &bytes) }
            if let value = Int64(number) { return try value.appendBSON(to: &bytes) }
            throw invalid("An integer does not fit in 64 bits with sign", at: start)
        }
        guard let value = Double(number), value.isFinite else {
            throw invalid("A number is too large for a double", at: start)
        }
        return try value.appendBSON(to: &bytes)
    }

    private mutating func skipDigits() -> Int {
        let start = offset
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        return offset - start
    }

    /// Appends the bytes of the string at the quotation mark, without it.
    private mutating func readString() throws(BSONError) {
        offset += 1
        while true {
            let run = offset
            while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { offset += 1 }
            bytes.append(contentsOf: text[run..<offset])
            switch next {
            case UInt8(ascii: "\""):
                offset += 1
                return
            case UInt8(ascii: "\\"): try readEscape()
            case nil: throw invalid("A string does not end")
            default: throw invalid("A control character in a string is not escaped")
            }
        }
    }

    private mutating func readEscape() throws(BSONError) {
        let start = offset
        offset += 1
        let escape = next
        offset += 1
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(text[start + 1])
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"):
            var units = [try readCodeUnit(of: start)]
            if UTF16.isLeadSurrogate(units[0]) {
                guard next == UInt8(ascii: "\\"), offset + 1 < text.count, text[offset + 1] == UInt8(ascii: "u") else {
                    throw invalid("An escaped surrogate stands alone", at: start)
                }
                offset += 2
                units.append(try readCodeUnit(of: start))
            }
            guard let character = String(validating: units, as: UTF16.self) else {
                throw invalid("An escaped surrogate stands alone", at: start)
            }
            bytes.append(contentsOf: character.utf8)
        default: throw invalid("An escape is unknown", at: start)
        }
    }

    private mutating func readCodeUnit(of escape: Int) throws(BSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw invalid("An escape has four hexadecimal digits", at: escape)
            }
            unit = unit << 4 | UInt16(digit)
            offset += 1
        }
        return unit
    }

    /// An error with the line and column, as an editor counts them, of the byte at `position`, or of the next one.
    private func invalid(_ reason: String, at position: Int? = nil) -> BSONError {
        let end = min(position ?? offset, text.count)
        let start = min(wrapping, end)
        let before = text[start..<end]
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? start
        // Do not count UTF-8's continuation bytes.
        let column = text[lineStart..<end].reduce(1) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
        return BSONError(.invalidJSON, "\(reason), at line \(line), column \(column).")
    }
}
