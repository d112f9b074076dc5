import DaybookBSON
import Foundation
import Testing

@Suite("the writer")
struct WriterTests {
    @Test("nested containers have the bytes of the same literal")
    func nesting() throws {
        var writer = BSONWriter(capacity: 16)
        writer.write("x", forKey: "s")
        writer.beginDocument("o")
        writer.write(Int32(1), forKey: "i")
        writer.beginArray("a")
        for value in 0..<12 { writer.append(Int64(value)) }
        writer.beginDocument()
        writer.writeNull(forKey: "n")
        writer.end()
        writer.beginArray()
        writer.end()
        writer.append(["k": 1] as BSONDocument)
        writer.end()
        writer.end()
        writer.write(BSONDate(milliseconds: 3), forKey: "t")
        writer.write(binary: [1, 2] as [UInt8], subtype: .md5, forKey: "m")
        writer.writeIfPresent(nil as String?, forKey: "absent")
        let document = try writer.finish()
        let array = BSONValue.array((0..<12).map { .int64($0) } + [["n": nil], [], ["k": 1]])
        #expect(
            document == [
                "s": "x", "o": ["i": .int32(1), "a": array], "t": .datetime(BSONDate(milliseconds: 3)),
                "m": .binary(BSONBinary(subtype: .md5, bytes: [1, 2])),
            ])
        #expect(document.isValidToLibbson)
    }

    @Test("the writer writes as many levels as a document may have, and refuses one more")
    func depth() throws {
        func nested(_ levels: Int) -> BSONWriter {
            var writer = BSONWriter()
            // The root is the first.
            for _ in 1..<levels { writer.beginDocument("d") }
            for _ in 1..<levels { writer.end() }
            writer.write(Int32(1), forKey: "behind")
            return writer
        }
        let document = try nested(BSONDocument.maximumDepth).finish()
        #expect(try BSONDocument(validating: document.bytes)["behind"] == .int32(1))
        #expect(fault(of: nested(BSONDocument.maximumDepth + 1))?.code == .tooDeep)
    }

    @Test("indexes of a long array are decimal and valid")
    func indexes() throws {
        var writer = BSONWriter()
        writer.write(array: 0..<1101, forKey: "a")
        let document = try writer.finish()
        let keys = try document.withBorrowed { try $0.first("a")?.array().map { try $0.keyString } }
        #expect(keys == (0..<1101).map(String.init))
    }

    @Test("a key with NUL is refused when the document is finished, with its path")
    func keyWithNUL() {
        var writer = BSONWriter()
        writer.write(1, forKey: "a\0b")
        writer.write(2, forKey: "c\0d")
        let error = fault(of: writer)
        #expect(error?.code == .invalidKey)
        #expect(error?.path == ["a\0b"])
    }

    @Test("a value that BSON cannot hold is refused when the document is finished")
    func unrepresentable() {
        var writer = BSONWriter()
        writer.write(UInt64.max, forKey: "n")
        writer.write(1, forKey: "ok")
        let error = fault(of: writer)
        #expect(error?.code == .notRepresentable)
        #expect(error?.path == ["n"])
    }

    private func fault(of writer: consuming BSONWriter) -> BSONError? {
        do throws(BSONError) {
            _ = try writer.finish()
            return nil
        } catch {
            return error
        }
    }
}
