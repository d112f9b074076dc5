import DaybookBSON
import Foundation
import Testing
import TestSupport

private let python = ProcessInfo.processInfo.environment["DAYBOOK_PYTHON"]
private let documents = ProcessInfo.processInfo.environment["DAYBOOK_TEST_CASES"].flatMap(Int.init) ?? 500

/// Compares the codec with `bson` of pymongo, which nobody here wrote, in both directions. One Python process serves a
/// whole test.
@Suite("the codec beside Python's bson", .enabled(if: python != nil, "DAYBOOK_PYTHON names no Python with pymongo"))
struct CodecInteropTests {
    /// Both scripts keep every type as it is: dates as milliseconds, UUIDs as binary, documents in order.
    private static let preamble = """
        import random, struct, sys
        from bson import *
        from bson import json_util
        from bson.codec_options import CodecOptions, DatetimeConversion
        from bson.binary import Binary, UuidRepresentation
        from bson.code import Code
        from bson.datetime_ms import DatetimeMS
        from bson.decimal128 import Decimal128
        from bson.int64 import Int64
        from bson.max_key import MaxKey
        from bson.min_key import MinKey
        from bson.objectid import ObjectId
        from bson.regex import Regex
        from bson.son import SON
        from bson.timestamp import Timestamp
        keep = dict(document_class=SON, uuid_representation=UuidRepresentation.UNSPECIFIED,
                    datetime_conversion=DatetimeConversion.DATETIME_MS, tz_aware=True)
        codec = CodecOptions(**keep)
        canonical = json_util.JSONOptions(json_mode=json_util.JSONMode.CANONICAL, **keep)
        relaxed = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, **keep)

        """

    /// For each line, bytes and our canonical JSON: the bytes that Python makes of the one and of the other, and its
    /// JSON.
    private static let echo = """
        for line in sys.stdin:
            data, text = line.rstrip("\\n").split("\\t")
            document = decode(bytes.fromhex(data), codec_options=codec)
            print(encode(document, codec_options=codec).hex(), encode(json_util.loads(text, json_options=canonical)).hex(),
                  json_util.dumps(document, json_options=canonical), sep="\\t")
        """

    /// As many random documents as the argument says: bytes, canonical and relaxed JSON.
    private static let generate = """
        r = random.Random(7)
        characters = ["a", "Z", " ", "0", '"', "\\\\", "/", "\\x01", "\\n", "\\x7f", "\\u00e9", "\\u20ac", "\\U0001f600", "\\u0301", "\\ufeff"]
        def text(n, more=()): return "".join(r.choice(characters + list(more)) for _ in range(r.randint(0, n)))
        def integer():
            return r.choice([0, 1, -1, 2**31, -2**31, 2**53 + 1, 2**63 - 1, -2**63, r.getrandbits(63) >> r.randint(0, 62)])
        def double():
            return r.choice([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 0.1, 1e22, 5e-324, 1.7976931348623157e308,
                             r.uniform(-1e6, 1e6), r.uniform(-1, 1) * 10.0 ** r.randint(-300, 300)])
        def decimal():
            return Decimal128(r.choice(["NaN", "Infinity", "-Infinity", "-0", "0E-6176", "%d.%dE%d" % (
                r.randint(-999, 999), r.randint(0, 10**20), r.randint(-6000, 6000))]))
        def value(depth):
            kinds = [lambda: double(), lambda: text(12, ["\\0", "$"]), lambda: r.randbytes(r.randint(0, 20)),
                     lambda: Binary(r.randbytes(16), r.choice([1, 2, 3, 4, 5, 6, 128, 255])), lambda: ObjectId(r.randbytes(12)),
                     lambda: r.random() < 0.5, lambda: None, lambda: DatetimeMS(integer()),
                     lambda: Regex(text(6), "".join(c for c in "ilmsux" if r.random() < 0.5)), lambda: Code(text(6, ["\\0"])),
                     lambda: r.randint(-2**31, 2**31 - 1), lambda: Int64(integer()), lambda: decimal(), lambda: MinKey(), lambda: MaxKey(),
                     lambda: Timestamp(r.getrandbits(32), r.getrandbits(32))]
            if depth > 0:
                kinds += [lambda: document(depth - 1), lambda: [value(depth - 1) for _ in range(r.randint(0, 12))],
                          lambda: Code(text(6), document(depth - 1))] * 3
            return r.choice(kinds)()
        def document(depth): return SON((text(5) + str(i), value(depth)) for i in range(r.randint(0, 10)))
        for _ in range(int(sys.argv[1])):
            d = document(3)
            print(encode(d, codec_options=codec).hex(), json_util.dumps(d, json_options=canonical),
                  json_util.dumps(d, json_options=relaxed), sep="\\t")
        """

    @Test("Python reads a random document of ours, its bytes and its JSON, and writes the same bytes")
    func ours() throws {
        let ours = try (0..<UInt64(documents)).map { seed in
            var random = RandomBSON(seed: seed, isJSONSafe: true, isPythonSafe: true)
            return try random.document()
        }
        let input = try ours.map { "\(hexadecimal($0.bytes))\t\(try $0.extendedJSON(.canonical))\n" }.joined()
        let answers = try run(Self.echo, input: input)
        #expect(answers.count == ours.count)
        for (seed, (document, answer)) in zip(ours, answers).enumerated() {
            #expect(answer[0] == hexadecimal(document.bytes), "seed \(seed)")
            #expect(answer[1] == hexadecimal(document.bytes), "seed \(seed)")
            #expect(try BSONDocument(extendedJSON: answer[2]) == document, "seed \(seed)")
        }
    }

    @Test("we read a random document of Python's, its bytes and its JSON, and write the same bytes")
    func theirs() throws {
        let answers = try run(Self.generate, arguments: ["\(documents)"])
        #expect(answers.count == documents)
        for (index, answer) in answers.enumerated() {
            let document = try BSONDocument(validating: bytes(answer[0]))
            var copy = BSONDocument()
            try document.withBorrowed { borrowed in
                for (key, value) in try borrowed.map({ (try $0.keyString, try $0.value()) }) {
                    try copy.append(key, value)
                }
            }
            #expect(copy == document, "document \(index)")
            #expect(try BSONDocument(extendedJSON: answer[1]) == document, "document \(index)")
            // Relaxed JSON forgets types, but not what it says.
            let relaxed = try BSONDocument(extendedJSON: answer[2])
            #expect(try relaxed.extendedJSON(.relaxed) == document.extendedJSON(.relaxed), "document \(index)")
        }
    }

    /// The fields of each line that the script prints.
    private func run(_ script: String, arguments: [String] = [], input: String = "") throws -> [[String]] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files, because pipes that fill up on both sides would wait for each other.
        let source = folder.appendingPathComponent("input")
        try Data(input.utf8).write(to: source)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        process.arguments = ["-X", "utf8", "-c", Self.preamble + script] + arguments
        process.standardInput = try FileHandle(forReadingFrom: source)
        process.standardOutput = output
        try process.run()
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: printed, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
