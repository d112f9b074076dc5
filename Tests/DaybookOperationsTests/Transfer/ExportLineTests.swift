@testable import Daybook
import DaybookBSON
@testable import DaybookOperations
import Foundation
import Testing
import TestSupport

@Suite("A line of an export")
struct ExportLineTests {
    @Test("an export line is canonical extended JSON that parses to the same bytes, for every type")
    func random() throws {
        for seed in 0..<200 {
            var random = RandomBSON(seed: UInt64(seed), isJSONSafe: true)
            let document = try JournalEvent.document(data: try random.document())
            let (text, hasBytes) = try ExportLine.text(of: document)
            #expect(!text.contains("\n"))
            #expect(!hasBytes, "seed \(seed)")
            #expect(try ExportLine.document(of: text) == document, "seed \(seed)")
        }
    }

    static let awkward: [(String, BSONDocument)] = [
        ("a field that looks like a type", ["id": ["$oid": "0123456789abcdef01234567"]]),
        ("a field that looks like a type and is none", ["id": ["$oid": "x"]]),
        ("a NaN with a payload", ["n": .double(Double(bitPattern: 0x7FF8_0000_0000_1234))]),
        ("a text that is not UTF-8", BSONDocument(unchecked: [14, 0, 0, 0, 2, 0x61, 0, 2, 0, 0, 0, 0xFF, 0, 0])),
        ("wrong keys in an array", BSONDocument(unchecked: [16, 0, 0, 0, 4, 0x61, 0, 8, 0, 0, 0, 10, 0x39, 0, 0, 0])),
        (
            "options of a regular expression out of order",
            BSONDocument(unchecked: [13, 0, 0, 0, 11, 0x61, 0, 0x78, 0, 0x73, 0x69, 0, 0])
        ),
        ("a line of bytes itself", ["$bson": .binary(BSONBinary(bytes: [1, 2, 3]))]),
        (
            "more text than a reader takes",
            BSONDocument(unchecked: [45, 0, 0, 0] + (0..<20).flatMap { _ in [0xFF, 0] as [UInt8] } + [0])
        ),
    ]

    @Test("an export line has the bytes where extended JSON would not parse to them", arguments: awkward.indices)
    func bytes(index: Int) throws {
        let (name, document) = Self.awkward[index]
        let whole = try JournalEvent.document(data: document)
        let (text, hasBytes) = try ExportLine.text(of: whole)
        if name.hasPrefix("more text") || name.hasPrefix("a line of bytes") {
            // Only as a whole document is it awkward.
            #expect(try ExportLine.document(of: ExportLine.text(of: whole).text) == whole)
            return
        }
        #expect(hasBytes, "\(name)")
        #expect(text.hasPrefix(#"{ "$bson" : { "$binary" : "#))
        if name == "a text that is not UTF-8" {
            // It is there, for whoever wants to look at it; no import takes it.
            #expect(throws: BSONError.self) { try ExportLine.document(of: text) }
        } else {
            #expect(try ExportLine.document(of: text) == whole, "\(name)")
        }
    }

    @Test("an export line of a long text is parsed back to its document")
    func large() throws {
        for filler in ["x", "\u{1}"] {
            let document = try JournalEvent.document(data: ["t": .string(String(repeating: filler, count: 1 << 20))])
            let (text, hasBytes) = try ExportLine.text(of: document)
            #expect(!hasBytes)
            #expect(text.utf8.count <= 8 * document.bytes.count)
            #expect(try ExportLine.document(of: text) == document)
        }
    }

    @Test("an export line with bytes that are not a document is refused")
    func corrupt() throws {
        for bytes: [UInt8] in [[], [5, 0, 0, 0], [5, 0, 0, 0, 1], [6, 0, 0, 0, 0, 0]] {
            let line: BSONDocument = ["$bson": .binary(BSONBinary(bytes: bytes))]
            let text = try line.extendedJSON(.canonical)
            #expect(throws: BSONError.self) { try ExportLine.document(of: text) }
        }
    }
}
