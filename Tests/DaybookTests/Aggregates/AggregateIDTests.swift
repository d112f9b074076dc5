import Daybook
import Foundation
import Testing
import TestSupport

@Suite("AggregateID")
struct AggregateIDTests {
    // MARK: Reading and writing

    @Test(
        "an id is written type/key and read back; the first slash ends the type",
        arguments: [
            "L-1", "a", "/", "//", "a/b/c", "/leading", "trailing/", " ", "license/L-1", "ünïcödé", "日本語", "😀",
            "\u{E000}",
            "\u{301}begins with an accent", "%2F", "\\", "\"'`", "a\u{200B}b", "\u{10FFFF}",
        ])
    func roundTrip(key: String) throws {
        let id = try AggregateID("license", key: key)
        #expect(Array(id.rawValue.utf8) == Array("license/".utf8) + Array(key.utf8))
        #expect(id.description == id.rawValue)
        #expect(Array(id.key.utf8) == Array(key.utf8))
        let parsed = try AggregateID(parsing: id.rawValue)
        #expect(parsed == id)
        #expect(parsed.type == "license")
        #expect(Array(parsed.key.utf8) == Array(key.utf8))
    }

    @Test(
        "a text without type, slash or key is no id",
        arguments: [
            "", "license", "/", "/L-1", "license/", "License/L-1", "li cense/L-1", "-/L-1", "lícense/L-1", "\0/L-1",
        ])
    func notAnID(text: String) {
        let error = #expect(throws: DaybookError.self) { try AggregateID(parsing: text) }
        #expect(error?.code == .invalidArgument)
    }

    // MARK: Keys

    @Test("a key has 1 to 256 bytes, however many characters they are")
    func length() throws {
        #expect(throws: DaybookError.self) { try AggregateID("a", key: "") }
        for (character, bytes) in [("x", 1), ("é", 2), ("語", 3), ("😀", 4)] {
            let most = 256 / bytes
            #expect(try AggregateID("a", key: String(repeating: character, count: most)).key.count == most)
            let tooLong = String(repeating: character, count: most) + "x" + (256 % bytes == 0 ? "" : character)
            let error = #expect(throws: DaybookError.self) { try AggregateID("a", key: tooLong) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("\(tooLong.utf8.count) bytes") == true)
        }
    }

    @Test("a key has no control character: neither C0 nor DEL nor C1")
    func controlCharacters() {
        let controls = Array(0x00...0x1F) + Array(0x7F...0x9F)
        for code in controls {
            let scalar = UnicodeScalar(UInt8(code))
            for key in ["\(scalar)", "a\(scalar)", "\(scalar)b", "ä\(scalar)b"] {
                let error = #expect(throws: DaybookError.self, "U+\(String(code, radix: 16))") {
                    try AggregateID("a", key: key)
                }
                #expect(error?.code == .invalidArgument)
            }
        }
        for key in [" ", "~", "\u{A0}", "\u{AD}", "\u{2028}", "\u{FEFF}"] {
            #expect(throws: Never.self) { try AggregateID("a", key: key) }
        }
    }

    @Test(
        "a key that is not in normalization form C is refused, its composed form is not",
        arguments: [
            ("e\u{301}", "\u{E9}"), ("A\u{30A}", "\u{C5}"), ("\u{212B}", "\u{C5}"),
            ("\u{1112}\u{1161}\u{11AB}", "\u{D55C}"),
            ("a\u{323}\u{307}", "\u{1EA1}\u{307}"), ("a\u{307}\u{323}", "\u{1EA1}\u{307}"), ("\u{2126}", "\u{3A9}"),
            ("\u{958}", "\u{915}\u{93C}"), ("x e\u{301}", "x \u{E9}"),
        ])
    func normalization(decomposed: String, composed: String) throws {
        let error = #expect(throws: DaybookError.self) { try AggregateID("a", key: decomposed) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("normalization form C") == true)
        #expect(Array(try AggregateID("a", key: composed).key.utf8) == Array(composed.utf8))
    }

    @Test("a refusal names the rule and not the key")
    func refusalWithoutKey() {
        for key in ["secret\u{7}", "secret e\u{301}", String(repeating: "secret", count: 50)] {
            let error = #expect(throws: DaybookError.self) { try AggregateID("a", key: key) }
            #expect(error.map { "\($0)".contains("secret") } == false)
        }
    }

    // MARK: Equality and order

    @Test("ids are ordered by their bytes, as MongoDB orders them")
    func byteOrder() throws {
        // In UTF-8 order. A dictionary puts an accented letter beside its plain one, UTF-16 puts emoji before U+E000.
        let keys = [
            " ", "-", "0", "10", "2", "A", "Z", "a", "z", "zz", "~", "\u{E9}", "\u{FC}", "語", "\u{E000}", "\u{FFFD}",
            "😀",
        ]
        let ids = try keys.map { try AggregateID("a", key: $0) }
        for (left, first) in ids.enumerated() {
            for (right, second) in ids.enumerated() {
                #expect((first < second) == (left < right), "\(first) \(second)")
                #expect((first == second) == (left == right))
            }
        }
        var generator = SeededGenerator(seed: 7)
        #expect(ids.shuffled(using: &generator).sorted() == ids)
    }

    @Test("a key that begins another comes before it")
    func prefix() throws {
        let (short, long) = (try AggregateID("a", key: "L-1"), try AggregateID("a", key: "L-10"))
        #expect(short < long)
        #expect(!(long < short))
        #expect(short != long)
    }

    @Test("the type's bytes come before the key's: - and 0 sort around the slash")
    func typesInOrder() throws {
        let ids = try ["a-/x", "a/x", "a0/x", "ab/x"].map { try AggregateID(parsing: $0) }
        #expect(ids.sorted() == ids)
        #expect(
            ids.sorted().map(\.rawValue) == ids.map(\.rawValue).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    @Test("equal bytes are equal ids with equal hashes, however they were made")
    func hashing() throws {
        let made = try AggregateID("license", key: "é/1")
        let parsed = try AggregateID(parsing: String(decoding: Array("license/é/1".utf8), as: UTF8.self))
        // A text that Foundation made may be stored in another way.
        let bridged = try AggregateID("license", key: String(format: "%@/%d", "é", 1))
        #expect(made == parsed)
        #expect(made == bridged)
        #expect(Set([made, parsed, bridged]).count == 1)
        #expect(made.hashValue == bridged.hashValue)
        #expect(Set(try ["a", "b", "ab", "a/b", "é", "e"].map { try AggregateID("a", key: $0) }).count == 6)
    }

    @Test("ids with the same letters differ by the position of the slash")
    func slashes() throws {
        #expect(try AggregateID("a", key: "b/c") == AggregateID(parsing: "a/b/c"))
        #expect(try AggregateID("ab", key: "c") != AggregateID("a", key: "bc"))
    }

    @Test(
        "keys that Swift calls the same text are two ids where their bytes differ, in dictionaries too",
        arguments: [
            // Unicode 16, which Foundation's normalization does not know; and marks that it leaves in either order.
            ("k1\u{16D68}", "k1\u{16D67}\u{16D67}"), ("x\u{897}\u{334}", "x\u{334}\u{897}"),
        ])
    func canonicalEquivalents(first: String, second: String) throws {
        try #require(first == second && Array(first.utf8) != Array(second.utf8))
        let (one, other) = (try AggregateID("a", key: first), try AggregateID("a", key: second))
        #expect(one != other)
        #expect((one < other) != (other < one))
        // As often as it takes for both to fall into one place of a table: its seed differs from one to the next.
        for _ in 0..<200 {
            var versions = [one: 1, other: 2]
            for number in 0..<Int.random(in: 0..<40) { versions[try AggregateID("a", key: "\(number)")] = 0 }
            #expect(versions[one] == 1 && versions[other] == 2)
        }
    }
}
