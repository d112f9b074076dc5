import DaybookBSON
import Testing

@Suite("limits of documents")
struct LimitTests {
    @Test("a document is accepted up to the size asked for, by default MongoDB's 16 MiB")
    func size() throws {
        let document: BSONDocument = ["a": "12345"]
        #expect(try BSONDocument(validating: document.bytes, maximumBytes: document.bytes.count) == document)
        let error = #expect(throws: BSONError.self) {
            try BSONDocument(validating: document.bytes, maximumBytes: document.bytes.count - 1)
        }
        #expect(error?.code == .tooLarge)
        let overhead = BSONDocument(dictionaryLiteral: ("b", .binary(BSONBinary(bytes: [])))).bytes.count
        for (extra, fits) in [(0, true), (1, false)] {
            let content = [UInt8](repeating: 7, count: BSONDocument.maximumBytes - overhead + extra)
            let large = BSONDocument(dictionaryLiteral: ("b", .binary(BSONBinary(bytes: content))))
            #expect(((try? BSONDocument(validating: large.bytes)) != nil) == fits)
        }
    }

    @Test("a document is accepted up to the depth asked for, which cannot be more than the decoder's")
    func depth() throws {
        func nested(_ levels: Int) -> BSONDocument {
            (1..<levels).reduce(["x": 1]) { inner, level in
                [
                    "a": level % 2 == 0
                        ? .document(inner) : .javascriptWithScope(BSONJavaScriptWithScope(code: "", scope: inner))
                ]
            }
        }
        #expect(try BSONDocument(validating: nested(5).bytes, maximumDepth: 5) == nested(5))
        let error = #expect(throws: BSONError.self) { try BSONDocument(validating: nested(6).bytes, maximumDepth: 5) }
        #expect(error?.code == .tooDeep)
        #expect(error?.path == ["a", "a", "a", "a", "a"])
        let beyond = BSONDocument.maximumDepth + 1
        #expect(throws: BSONError.self) { try BSONDocument(validating: nested(beyond).bytes, maximumDepth: 100_000) }
    }

    @Test("a description is short, on one line, and without values")
    func description() throws {
        let small: BSONDocument = ["key": "secret"]
        #expect(small.description == "BSONDocument(\(small.bytes.count) bytes: key)")
        var document = BSONDocument()
        for index in 0..<1000 {
            try document.append("\(index)\n\u{202E}\u{1B}" + String(repeating: "k", count: 10_000), "secret")
        }
        #expect(document.description.utf8.count < 1000)
        #expect(!document.description.contains { $0.isNewline || $0 == "\u{202E}" || $0 == "\u{1B}" })
        for value in [
            .string("secret"), .document(document), .array([.document(document)]), .javascript("secret"),
            .symbol("secret"),
            .javascriptWithScope(BSONJavaScriptWithScope(code: "secret", scope: document)),
            .binary(BSONBinary(bytes: Array("secret".utf8))),
        ] as [BSONValue] {
            #expect(value.description.utf8.count < 1000)
            #expect(!"\(value) \([value])".contains("secret"))
        }
        #expect(BSONValue.string("é").description == "string(2 bytes)")
        #expect(BSONValue.int32(5).description == "int")
        var deep = BSONValue.null
        for _ in 0..<1000 { deep = .array([deep]) }
        #expect(deep.description == "array(1 values)")
        #expect(BSONDocument(unchecked: hex("FFFFFF7F 02 6100 FFFFFF7F")).description == "BSONDocument(11 bytes)")
    }
}
