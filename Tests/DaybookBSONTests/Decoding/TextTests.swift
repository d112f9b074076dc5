import DaybookBSON
import Testing

@Suite("texts as they are read")
struct TextTests {
    private func document(_ text: [UInt8], end: UInt8 = 0) -> BSONDocument {
        func integer(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        let field = [0x02, UInt8(ascii: "t"), 0] + integer(text.count + 1) + text + [end]
        return BSONDocument(unchecked: integer(field.count + 5) + field + [0])
    }

    private struct Text: Decodable { var t: String }

    private func read(_ text: [UInt8], end: UInt8 = 0) throws -> String {
        try BSONDecoder().decode(Text.self, from: document(text, end: end)).t
    }

    @Test(
        "any Unicode text is read unchanged, also with NUL in it",
        arguments: ["", "a", "\0", "a\0b", "\0\0", "é\0漢字", "🎲", "0123456789abcde", "0123456789abcdef\0"])
    func valid(text: String) throws {
        #expect(try Array(read(Array(text.utf8)).utf8) == Array(text.utf8))
    }

    @Test(
        "bytes that are not UTF-8 are refused wherever they are",
        arguments: [[0xFF], [0x61, 0xC3], [0x61, 0, 0xC3], [0xC3, 0, 0x61], [0, 0xED, 0xA0, 0x80], [0xC0, 0x80]]
            as [[UInt8]])
    func invalid(bytes: [UInt8]) {
        let error = #expect(throws: DecodingError.self) { try read(bytes) }
        #expect(error?.code == .corrupt)
        #expect(error?.context.debugDescription == "A text is not valid UTF-8.")
    }

    @Test("a text without its NUL is refused", arguments: [[], [0x61], [0x61, 0]] as [[UInt8]])
    func unterminated(bytes: [UInt8]) {
        let error = #expect(throws: DecodingError.self) { try read(bytes, end: 0x62) }
        #expect(error?.context.debugDescription == "A terminating NUL is missing.")
    }
}
