import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("BSON documents")
struct DocumentTests {
    @Test("the empty document is five bytes")
    func empty() throws {
        #expect(BSONDocument().bytes == hex("0500000000"))
        #expect(BSONDocument() == [:])
        #expect(try BSONDocument(validating: hex("0500000000")) == BSONDocument())
        #expect(BSONDocument()["a"] == nil)
    }

    @Test("fields keep their order and the first of a key is found")
    func order() throws {
        var document: BSONDocument = ["b": 1, "a": 2]
        try document.append("b", 3)
        #expect(document["b"] == 1)
        #expect(document["a"] == 2)
        #expect(try document.withBorrowed { try $0.map { try $0.keyString } } == ["b", "a", "b"])
        #expect(document != ["a": 2, "b": 1, "b": 3])
        #expect(document.isValidToLibbson)
    }

    @Test("a key with NUL is refused and changes nothing")
    func keyWithNUL() {
        var document: BSONDocument = ["a": 1]
        let before = document
        let error = #expect(throws: BSONError.self) { try document.append("a\0b", 1) }
        #expect(error?.code == .invalidKey)
        #expect(document == before)
    }

    @Test(
        "malformed bytes are refused",
        arguments: [
            ("", "empty"),
            ("05000000", "too short"),
            ("0600000000", "length too large"),
            ("050000000000", "bytes after the document"),
            ("0500000001", "no final NUL"),
            ("06000000 0A 00", "key without NUL"),
            ("08000000 20 6100 00", "unknown type"),
            ("0B000000 10 6100 010000 00", "truncated int32"),
            ("09000000 08 6100 02 00", "bool of 2"),
            ("0D000000 02 6100 FFFFFFFF 00 00", "negative string length"),
            ("0D000000 02 6100 00000000 00 00", "string length zero"),
            ("0E000000 02 6100 02000000 6161 00", "string without NUL"),
            ("0E000000 02 6100 02000000 FF00 00", "invalid UTF-8"),
            ("08000000 0A FF00 00", "invalid UTF-8 in a key"),
            ("0D000000 03 6100 0600000000 00", "nested length too large"),
            ("0D000000 03 6100 0500000001 00", "nested document without NUL"),
            ("0E000000 05 6100 01000000 02 00 00", "subtype 2 without its length"),
            ("0C000000 0B 6100 61006900", "regex without NUL"),
        ])
    func malformed(bytes: String, reason: String) {
        #expect(throws: BSONError.self, "\(reason)") { try BSONDocument(validating: hex(bytes)) }
    }

    @Test("a fault deep inside is reported with its path")
    func path() {
        let inner: BSONDocument = ["x": ["y": [true]]]
        var bytes = inner.bytes
        bytes[bytes.count - 4] = 7
        let error = #expect(throws: BSONError.self) { try BSONDocument(validating: bytes) }
        #expect(error?.path == ["x", "y", "0"])
        #expect(error?.code == .corrupt)
    }

    @Test("nesting is accepted up to the limit and refused beyond it")
    func depth() throws {
        func nested(_ levels: Int) -> [UInt8] {
            var bytes = hex("0500000000")
            for _ in 1..<levels {
                let length = UInt32(bytes.count + 8)
                bytes = (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + hex("03 6100") + bytes + [0]
            }
            return bytes
        }
        #expect(try BSONDocument(validating: nested(BSONDocument.maximumDepth)).bytes.isEmpty == false)
        for levels in [BSONDocument.maximumDepth + 1, 20_000] {
            let error = #expect(throws: BSONError.self) { try BSONDocument(validating: nested(levels)) }
            #expect(error?.code == .tooDeep)
        }
    }

    @Test("UTF-8 is judged as Swift judges it")
    func utf8() {
        var generator = SeededGenerator(seed: 3)
        let interesting: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5,
        ]
        var accepted = 0
        for _ in 0..<5000 {
            let length = Int.random(in: 1...5, using: &generator)
            let text = (0..<length).map { _ in interesting.randomElement(using: &generator) ?? 0 }
            let bytes = [UInt8(length + 13), 0, 0, 0, 2, 0x61, 0, UInt8(length + 1), 0, 0, 0] + text + [0, 0]
            let sized = [UInt8(bytes.count)] + bytes.dropFirst()
            let isValid = (try? BSONDocument(validating: sized)) != nil
            accepted += isValid ? 1 : 0
            #expect(isValid == (String(validating: text, as: UTF8.self) != nil), "\(text)")
        }
        #expect(accepted > 100)
    }
}

@Suite("borrowed documents")
struct BorrowedDocumentTests {
    static let uuid = UUID(uuid: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

    static let document: BSONDocument = [
        "s": "text", "i": .int32(7), "l": 8, "d": 1.5, "b": true, "t": .datetime(BSONDate(milliseconds: 5)),
        "u": .binary(BSONBinary(uuid)), "o": ["x": 1], "a": [1, 2],
    ]

    @Test("typed getters read their types")
    func getters() throws {
        try Self.document.withBorrowed { document throws in
            func element(_ key: String) throws -> BorrowedElement { try #require(try document.first(key)) }
            #expect(try element("s").string() == "text")
            #expect(try element("i").int32() == 7)
            #expect(try element("i").int64() == 7)
            #expect(try element("l").int64() == 8)
            #expect(try element("d").double() == 1.5)
            #expect(try element("b").bool())
            #expect(try element("t").date() == BSONDate(milliseconds: 5))
            #expect(try element("u").uuid() == Self.uuid)
            #expect(try element("u").binary().subtype == .uuid)
            #expect(try element("o").document().first("x")?.int64() == 1)
            #expect(try element("a").array().map { try $0.int64() } == [1, 2])
            #expect(try element("s").hasKey("s"))
            #expect(try !element("s").hasKey("ss"))
            #expect(try BSONDocument(element("o").document()) == ["x": 1])
        }
    }

    @Test("a getter of another type names key, expected and found")
    func mismatch() throws {
        try Self.document.withBorrowed { document throws in
            let element = try #require(try document.first("s"))
            let error = #expect(throws: BSONError.self) { try element.int64() }
            #expect(error?.code == .typeMismatch)
            #expect(error?.path == ["s"])
            #expect(error?.message == "Expected long, found string.")
            let narrowed = try #require(try document.first("l"))
            #expect(throws: BSONError.self) { try narrowed.int32() }
        }
    }

    /// A document of one null under this key, which it may end without.
    private func document(key: [UInt8], isTerminated: Bool = true) -> [UInt8] {
        let content = [0x0A] + key + (isTerminated ? [0, 0] : [0])
        return [UInt8(4 + content.count), 0, 0, 0] + content
    }

    @Test(
        "a key of any length and any bytes ends at its NUL, wherever that lies",
        arguments: [0x01, 0x7F, 0x80, 0xFF] as [UInt8])
    func keyEnds(byte: UInt8) throws {
        for length in 0...40 {
            let key = [UInt8](repeating: byte, count: length)
            try document(key: key).withUnsafeBytes { buffer in
                var elements = try BorrowedDocument(validatingLengthOf: buffer).makeElements()
                let element = try #require(try elements.next())
                #expect(element.key.elementsEqual(key))
                #expect(element.type == .null)
                #expect(try elements.next() == nil)
            }
            try document(key: key, isTerminated: false).withUnsafeBytes { buffer in
                var elements = try BorrowedDocument(validatingLengthOf: buffer).makeElements()
                let error = #expect(throws: BSONError.self) { _ = try elements.next() }
                #expect(error?.code == .corrupt)
            }
        }
    }

    @Test("keys that differ in a single byte, or in their length, are different")
    func keyEquality() throws {
        let letters = Array("abcdefghijklmnopqrstuvwxyzabcdefghijklmn".utf8)
        for length in 1...letters.count {
            let key = Array(letters.prefix(length))
            try document(key: key).withUnsafeBytes { buffer in
                var elements = try BorrowedDocument(validatingLengthOf: buffer).makeElements()
                let element = try #require(try elements.next())
                let name = String(decoding: key, as: UTF8.self)
                #expect(element.hasKey(name))
                #expect(!element.hasKey(name + "a") && !element.hasKey(String(name.dropLast())))
                for place in key.indices {
                    var other = key
                    other[place] = UInt8(ascii: "_")
                    #expect(!element.hasKey(String(decoding: other, as: UTF8.self)))
                }
            }
        }
    }

    @Test(
        "a wrong length or a missing final NUL is seen at once",
        arguments: ["", "0400000000", "0600000000", "0500000001"])
    func lengths(bytes: String) {
        hex(bytes).withUnsafeBytes { buffer -> Void in
            #expect(throws: BSONError.self) { try BorrowedDocument(validatingLengthOf: buffer) }
        }
    }
}
