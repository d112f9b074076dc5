import DaybookBSON
import Foundation
import Testing
import TestSupport

@Suite("hostile bytes")
struct HostileBytesTests {
    /// A document with every type, one that decodes into every shape, and random ones.
    static func samples() throws -> [BSONDocument] {
        var everyType = BSONDocument()
        for (index, golden) in try ValueBytesTests.goldens.enumerated() { try everyType.append("k\(index)", golden.0) }
        var random = RandomBSON(seed: 1)
        return [
            everyType, try BSONEncoder().encode(ShapeTests.Everything()), try random.document(depth: 4),
            try random.document(),
        ]
    }

    /// Reads everything there is to read, by every way; returns whether all of it was readable.
    @discardableResult
    private func readAll(_ bytes: [UInt8]) -> Bool {
        var isReadable = true
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch { isReadable = false }
        }
        func walk(_ document: BorrowedDocument, _ depth: Int) throws {
            var elements = document.makeElements()
            while let element = try elements.next() {
                _ = try? element.keyString
                _ = try? element.uuid()
                _ = try? element.binary()
                _ = try? element.int64()
                attempt { _ = try element.value() }
                if element.type == .document, depth < 10 { attempt { try walk(element.document(), depth + 1) } }
                if element.type == .array, depth < 10 { attempt { try walk(element.array(), depth + 1) } }
            }
        }
        // A copy of exactly this size, so that a sanitizer would see a read past its end.
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: bytes)
        let buffer = UnsafeRawBufferPointer(exact)
        attempt { try walk(BorrowedDocument(validatingLengthOf: buffer), 0) }
        if let document = try? BorrowedDocument(validatingLengthOf: buffer) {
            _ = try? BSONDecoder().decode(ShapeTests.Everything.self, from: document)
            _ = try? BSONDecoder().decode([String: BSONValue].self, from: document)
            _ = try? BSONDecoder().decode(RandomShapeTests.Shape.self, from: document)
            _ = try? BSONDecoder().decode(RandomShapeTests.Record<String>.self, from: document)
            for name in ["created", "flat", "two", "list", "again"] {
                _ = try? BSONDecoder().decodeCase(CaseTests.Event.self, name: name, payload: document)
            }
        }
        let unchecked = BSONDocument(unchecked: bytes)
        _ = unchecked["k3"]
        #expect(unchecked.description.utf8.count < 4000)
        let isValid = (try? BSONDocument(validating: bytes)) != nil
        let canonical = try? unchecked.extendedJSON(.canonical)
        let relaxed = try? unchecked.extendedJSON(.relaxed)
        // What validates must also be readable in full, and by libbson; what does not must not be written.
        if isValid { #expect(isReadable && unchecked.isValidToLibbson) }
        #expect((canonical != nil) == isValid && (relaxed != nil) == isValid)
        if let canonical { _ = try? BSONDocument(extendedJSON: canonical) }
        return isValid
    }

    @Test("every truncation is refused or read, never a crash")
    func truncations() throws {
        for sample in try Self.samples() {
            #expect(readAll(sample.bytes))
            for count in 0..<sample.bytes.count {
                #expect(!readAll(Array(sample.bytes.prefix(count))))
                guard count >= 5 else { continue }
                // The same with a length that is made to fit, so that the fault is inside.
                var fitted = Array(sample.bytes.prefix(count))
                for byte in 0..<4 { fitted[byte] = UInt8(truncatingIfNeeded: count >> (8 * byte)) }
                fitted[count - 1] = 0
                readAll(fitted)
            }
        }
    }

    @Test("random corruptions are refused or read, never a crash", arguments: 0..<4)
    func corruptions(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let samples = try Self.samples().filter { $0.bytes.count > 5 }
        let interesting: [UInt8] = [0, 1, 2, 3, 4, 5, 0x0B, 0x0F, 0x7F, 0x80, 0xFF]
        var refused = 0
        // 2,500 in each of four by default: they are quick.
        let attempts = max(testCases, 2500)
        for _ in 0..<attempts {
            var bytes = try #require(samples.randomElement(using: &generator)).bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 4..<bytes.count - 1, using: &generator)
                bytes[index] =
                    Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator) : interesting.randomElement(using: &generator) ?? 0
            }
            if !readAll(bytes) { refused += 1 }
        }
        #expect(refused > attempts / 6)
    }

    @Test("a document nested deeper than the limit is refused while it is decoded")
    func depth() {
        var bytes = hex("0500000000")
        for _ in 0..<50_000 / 8 {
            let length = bytes.count + 11
            bytes =
                (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + Array("\u{3}next\0".utf8) + bytes + [0]
        }
        let document = BSONDocument(unchecked: bytes)
        let error = #expect(throws: DecodingError.self) {
            try BSONDecoder().decode(EncodingErrorTests.Node.self, from: document)
        }
        #expect(error?.code == .tooDeep)
        #expect(throws: DecodingError.self) { try BSONDecoder().decode([String: BSONValue].self, from: document) }
    }
}
